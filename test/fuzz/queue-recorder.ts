import { createHash, randomUUID } from 'node:crypto';
import fastify from 'fastify';
import * as z from 'zod';

const sendMessage = z.object({
  MessageBody: z.string(),
  MessageGroupId: z.string().optional(),
});

type SentMessage = z.output<typeof sendMessage>;

/** SQS as far as `SendMessage` goes (AWS JSON 1.0). It remembers what it was sent, in the order of arrival. */
export async function startQueueRecorder() {
  let sent: SentMessage[] = [];
  const app = fastify({ forceCloseConnections: true });
  app.addContentTypeParser(
    'application/x-amz-json-1.0',
    { parseAs: 'string' },
    (_request, body, done) => done(null, body),
  );
  app.post('/', (request, reply) => {
    reply.type('application/x-amz-json-1.0');
    if (request.headers['x-amz-target'] !== 'AmazonSQS.SendMessage') {
      return reply.code(400).send(JSON.stringify({ __type: 'UnsupportedOperation' }));
    }
    const message = sendMessage.parse(JSON.parse(String(request.body)));
    sent.push(message);
    // The client compares the digest with that of what it sent.
    const MD5OfMessageBody = createHash('md5').update(message.MessageBody).digest('hex');
    return reply.send(JSON.stringify({ MessageId: randomUUID(), MD5OfMessageBody }));
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    /** What was sent since the last time. */
    take(): readonly SentMessage[] {
      const taken = sent;
      sent = [];
      return taken;
    },
    close: () => app.close(),
  };
}
