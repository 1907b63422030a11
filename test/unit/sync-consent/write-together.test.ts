import { describe, expect, test } from 'vitest';
import { writeTogether } from '../../../functions/sync-consent/write-together.ts';
import {
  DataverseForbidden,
  DataverseRejected,
  DataverseUnauthorized,
  DataverseUnavailable,
  DataverseUnreadable,
} from '../../../shared/dataverse/errors.ts';

type Outcome = 'updated' | 'missing' | 'conflict';

/** Dataverse that answers what the test says, and how often it was asked for whom. */
function dataverse() {
  const asked: string[] = [];
  const answers = {
    together: (): 'updated' | 'missing' | Error => 'updated',
    alone: (_contactId: string): Outcome | Error => 'updated',
  };
  const takeSeat = writeTogether({
    async updateContacts(updates, { tag }) {
      asked.push(`${updates.map(({ contactId }) => contactId).join('+')} ${tag}`);
      const outcome = answers.together();
      if (outcome instanceof Error) throw outcome;
      return { outcome };
    },
    async updateContact(contactId, _fields, { ifMatch, tag }) {
      asked.push(`${contactId} ${ifMatch} ${tag}`);
      const outcome = answers.alone(contactId);
      if (outcome instanceof Error) throw outcome;
      return { outcome };
    },
  });
  return { asked, answers, takeSeat };
}

const update = (contactId: string) => ({ contactId, fields: { ch_marketing_sms: false } });

/** Lets everything happen that waits for nobody. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('several contacts', () => {
  test('are written in one request, once all have said what', async () => {
    const { asked, takeSeat } = dataverse();
    const [one, two, three] = [takeSeat(), takeSeat(), takeSeat()];
    const writes = [one.write(update('1')), two.write(update('2'))];
    await settled();
    expect(asked).toEqual([]);
    writes.push(three.write(update('3')));
    expect(await Promise.all(writes)).toEqual(writes.map(() => ({ outcome: 'updated' })));
    expect(asked).toEqual(['1+2+3 consenthub']);
  });

  test('do not wait for one that has left, however often it leaves', async () => {
    const { asked, takeSeat } = dataverse();
    const [one, two, three] = [takeSeat(), takeSeat(), takeSeat()];
    const writes = [one.write(update('1')), two.write(update('2'))];
    three.leave();
    three.leave();
    one.leave();
    await Promise.all(writes);
    expect(asked).toEqual(['1+2 consenthub']);
  });

  test('do not wait for one that writes again', async () => {
    const { asked, takeSeat } = dataverse();
    const [one, two] = [takeSeat(), takeSeat()];
    await Promise.all([one.write(update('1')), two.write(update('2'))]);
    await one.write(update('1'));
    expect(asked).toEqual(['1+2 consenthub', '1 * consenthub']);
  });

  test.each([
    ['one does not exist', 'missing' as const],
    ['one is refused', new DataverseRejected(400, '0x80044331')],
    ['one is forbidden', new DataverseForbidden('0x80040220')],
    ['the answer proves nothing', new DataverseUnreadable('bare 404')],
  ])('are written one by one if %s, and each gets its own answer', async (_what, answer) => {
    const { asked, answers, takeSeat } = dataverse();
    const refused = new DataverseRejected(400, '0x80044331');
    answers.together = () => answer;
    answers.alone = (id) => ({ 1: 'updated' as const, 2: 'missing' as const })[id] ?? refused;
    const seats = [takeSeat(), takeSeat(), takeSeat()];
    const outcomes = await Promise.allSettled(
      seats.map((seat, index) => seat.write(update(String(index + 1)))),
    );
    expect(outcomes).toEqual([
      { status: 'fulfilled', value: { outcome: 'updated' } },
      { status: 'fulfilled', value: { outcome: 'missing' } },
      { status: 'rejected', reason: refused },
    ]);
    expect(asked).toEqual([
      '1+2+3 consenthub',
      '1 * consenthub',
      '2 * consenthub',
      '3 * consenthub',
    ]);
  });

  test.each([
    new DataverseUnavailable({ reason: 'timeout', outcomeUnknown: true }),
    new DataverseUnavailable({ reason: 'throttled', status: 429, outcomeUnknown: false }),
    new DataverseUnauthorized(),
  ])('are all as far as the request came: %s', async (failure) => {
    const { asked, answers, takeSeat } = dataverse();
    answers.together = () => failure;
    const seats = [takeSeat(), takeSeat()];
    const outcomes = await Promise.allSettled(seats.map((seat, n) => seat.write(update(`${n}`))));
    expect(outcomes).toEqual(seats.map(() => ({ status: 'rejected', reason: failure })));
    expect(asked).toHaveLength(1);
  });
});

test('a contact by itself is written as ever', async () => {
  const { asked, takeSeat } = dataverse();
  const [one, two] = [takeSeat(), takeSeat()];
  const write = one.write(update('1'));
  two.leave();
  expect(await write).toEqual({ outcome: 'updated' });
  expect(asked).toEqual(['1 * consenthub']);
});
