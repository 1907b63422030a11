import { afterEach, beforeEach, expect, test } from 'vitest';
import { startOps } from './fixture.ts';

let it: Awaited<ReturnType<typeof startOps>>;
beforeEach(async () => {
  it = await startOps();
});
afterEach(() => it.close());

const CONTACT_EVENT = JSON.stringify({
  version: 1,
  eventId: 'one',
  type: 'contact.updated',
  dataverseOrganizationId: '0a000000-0000-4000-8000-000000000001',
  contactId: '0c000000-0000-4000-8000-000000000001',
  receivedAt: '2026-11-22T10:00:00.000Z',
  correlationId: 'two',
});
const DEAD = 'contact-events-dead-letter';

test('they are listed and can be received at once by somebody else', async () => {
  const unknown = await it.send(DEAD, CONTACT_EVENT, { reason: 'unknown_organization' });
  const moved = await it.send('consent-events-dead-letter', '{}');
  const { status, said, complaints } = await it.run('dead-letters list');
  expect({ status, complaints }).toEqual({ status: 0, complaints: '' });
  expect(said).toMatch(new RegExp(`^${unknown}  contact-events  .*  unknown_organization$`, 'm'));
  expect(said).toMatch(new RegExp(`^${moved}  consent-events  .*  \\(moved by SQS\\)$`, 'm'));
  expect([await it.visible(DEAD), await it.visible('consent-events-dead-letter')]).toEqual([1, 1]);
  expect(await it.records()).toEqual([
    {
      source: 'operator',
      outcome: 'done',
      organization_id: it.database.organizationId,
      patient_id: null,
      new_values: { command: 'dead-letters list', operator: 'grace', count: 2, unseen: 0 },
    },
  ]);
});

test('one is shown with its ids, its reason and what to do; nothing in it steers the terminal', async () => {
  const id = await it.send(DEAD, CONTACT_EVENT, { reason: 'unknown_organization' });
  const odd = await it.send(DEAD, '\u009b2Jnonsense', { reason: 'malformed' });
  const shown = await it.run(`dead-letters show ${id}`);
  expect(shown.status).toBe(0);
  expect(shown.said).toContain('"contactId": "0c000000-0000-4000-8000-000000000001"');
  expect(shown.said).toMatch(/^What to do: add the organisation or mend the connection/m);
  const { said } = await it.run(`dead-letters show ${odd}`);
  expect(said).toContain(String.raw`"\u009b2Jnonsense"`);
  const json = await it.run(`dead-letters show ${id} --json`);
  expect(JSON.parse(json.said)).toMatchObject({ id, reason: 'unknown_organization', fields: [] });
  expect((await it.run(`dead-letters show ${id.toUpperCase()}`)).status).toBe(0);
  const listed = JSON.parse((await it.run('dead-letters list --json')).said);
  expect(listed.deadLetters.map((letter: object) => 'body' in letter)).toEqual([false, false]);
  const incomplete = CONTACT_EVENT.replace('contactId', 'contact');
  const malformed = await it.send(DEAD, incomplete, { reason: 'malformed' });
  expect((await it.run(`dead-letters show ${malformed}`)).said).toMatch(
    /^Missing or malformed: contactId$/m,
  );
  expect(await it.visible(DEAD)).toBe(3);
});

test('one is sent back as it was, without the reason, and the others stay', async () => {
  const id = await it.send(DEAD, CONTACT_EVENT, { reason: 'unknown_organization' });
  await it.send(DEAD, 'nonsense', { reason: 'malformed' });
  const { status, said } = await it.run(`dead-letters redrive ${id} --yes`);
  expect([status, said]).toEqual([0, 'Sent back: 1 of 1.']);
  expect(await it.receive('contact-events')).toEqual([{ body: CONTACT_EVENT, attributes: [] }]);
  expect(await it.receive(DEAD)).toMatchObject([{ body: 'nonsense' }]);
  const [begun, done] = await it.records();
  expect(begun).toMatchObject({ outcome: 'begun', new_values: { messageId: id } });
  expect(done).toMatchObject({
    outcome: 'done',
    new_values: { messageId: id, messageIds: [id], asked: 1, taken: 1, interrupted: false },
  });
});

test('all are sent back to where each came from, after a yes', async () => {
  await it.send(DEAD, CONTACT_EVENT, { reason: 'unknown_organization' });
  await it.send('consent-events-dead-letter', '{}');
  const declined = await it.run('dead-letters redrive', ['n']);
  expect(declined).toMatchObject({ status: 1, complaints: 'Nothing was changed.' });
  expect((await it.records()).at(-1)).toMatchObject({
    outcome: 'failed',
    new_values: { failure: 'Nothing was changed.' },
  });
  expect([await it.visible(DEAD), await it.visible('contact-events')]).toEqual([1, 0]);
  const nobody = await it.run('dead-letters redrive');
  expect(nobody.complaints).toContain('contact-events 1, consent-events 1?');

  const done = await it.run('dead-letters redrive', ['y']);
  expect([done.status, done.said]).toEqual([0, 'Sent back: 2 of 2.']);
  expect(await it.receive('contact-events')).toHaveLength(1);
  expect(await it.receive('consent-events')).toHaveLength(1);
  expect(await it.run('dead-letters redrive --yes')).toMatchObject({
    status: 0,
    said: 'There are no dead letters.',
  });
});

test('those that somebody has in hand are said to be there', async () => {
  await it.send(DEAD, CONTACT_EVENT, { reason: 'unknown_organization' });
  await it.send(DEAD, 'nonsense', { reason: 'malformed' });
  // Received and not handed back, as by somebody whose command was killed.
  expect(await it.receive(DEAD)).toHaveLength(2);
  const id = await it.send(DEAD, CONTACT_EVENT, { reason: 'unknown_organization' });
  const list = await it.run('dead-letters list');
  expect(list.said).toContain(id);
  expect(list.said).toMatch(/^About 2 more cannot be seen: .* Ask again in two minutes\.$/m);
  const redriven = await it.run('dead-letters redrive --yes --json');
  expect(redriven.status).toBe(1);
  expect(JSON.parse(redriven.said)).toMatchObject({ asked: [id], taken: [id], unseen: 2 });
  const none = await it.run('dead-letters redrive --yes');
  expect(none).toMatchObject({ status: 1, said: expect.stringMatching(/^About 2 more/) });
});

test('one is discarded, and only where it is named', async () => {
  const id = await it.send(DEAD, 'nonsense', { reason: 'malformed' });
  expect((await it.run('dead-letters discard --yes')).complaints).toMatch(/^Say which one/);
  expect(await it.visible(DEAD)).toBe(1);
  expect(await it.run(`dead-letters discard ${id} --yes`)).toMatchObject({
    status: 0,
    said: 'Deleted: 1 of 1.',
  });
  expect([await it.receive(DEAD), await it.receive('contact-events')]).toEqual([[], []]);
  const again = await it.run(`dead-letters show ${id}`);
  expect(again).toMatchObject({ status: 1, complaints: expect.stringContaining(id) });
});

test('a stack that answers no more is named, whatever it is that does not answer', async () => {
  expect(await it.run('status')).toEqual({
    status: 2,
    said: '',
    complaints: 'The local stack does not answer (ECONNREFUSED). Start it again: npm start',
  });
});

test('without a record nothing is changed, and looking goes on', async () => {
  const id = await it.send(DEAD, 'nonsense', { reason: 'malformed' });
  await it.database.pool.query('alter table audit_logs rename to elsewhere');
  const list = await it.run('dead-letters list');
  expect(list).toMatchObject({ status: 0, said: expect.stringContaining(id) });
  expect(list.complaints).toContain('not on record');
  const discard = await it.run(`dead-letters discard ${id} --yes`);
  expect(discard).toMatchObject({
    status: 1,
    complaints: expect.stringMatching(/was not begun\.$/),
  });
  expect(await it.visible(DEAD)).toBe(1);
});
