/** Contacts that were merged in Dynamics, as the pages of change tracking bring them. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ReconcileFixture, startReconcile } from './fixture.ts';

let fixture: ReconcileFixture;
beforeEach(async () => {
  fixture = await startReconcile();
});
afterEach(() => fixture.close());

const person = (lastname: string) => ({
  firstname: 'Lin',
  lastname,
  emailaddress1: `${lastname.toLowerCase()}@example.test`,
});
const create = (lastname: string) => fixture.dynamics.createContact(person(lastname));
const merge = async (contactId: string, into: string) => {
  expect(
    (await fixture.dynamics.control('POST', `/contacts/${contactId}/merge`, { into })).ok,
  ).toBe(true);
};
const patientOf = async (contactId: string) =>
  (
    await fixture.sql<{ patient_id: string | null }>(
      'select patient_id from dynamics_contacts where contact_id = $1',
      [contactId],
    )
  )[0]?.patient_id;

test('a merge is logged once, as after a webhook', { tags: ['fault-33'] }, async () => {
  const [master, other] = [await create('Master'), await create('Other')];
  await fixture.reconcile();
  await merge(other, master);
  await fixture.reconcile();
  const merges = () => fixture.lines.filter(({ code }) => code === 'CO-006');
  expect(merges()).toEqual([expect.objectContaining({ contactId: other, masterId: master })]);
  // The next page that shows it says nothing new.
  await fixture.change(other, { telephone1: '1' });
  await fixture.reconcile();
  expect(merges()).toHaveLength(1);
});

test.each([
  ['on one page', 5_000],
  ['on a page each', 1],
] as const)(
  'a patient moves to a master that nobody knew, %s',
  { tags: ['fault-33'] },
  async (_where, pageSize) => {
    const other = await create('Other');
    await fixture.reconcile();
    const patient = await patientOf(other);
    const master = await create('Master');
    await merge(other, master);
    // So that the merged one is listed first: pages are in the order of the versions.
    if (pageSize === 1) await fixture.change(master, { telephone1: '1' });
    await fixture.reconcile({}, { pageSize });
    await fixture.sweep();
    expect(await patientOf(master)).toBe(patient);
    expect(await patientOf(other)).toBeNull();
    expect(await fixture.sql('select 1 from patients')).toHaveLength(1);
  },
);

test('the first import makes one patient of a master and what was merged into it', {
  tags: ['fault-33'],
}, async () => {
  const [master, other] = [await create('Master'), await create('Other')];
  await merge(other, master);
  await fixture.reconcile();
  await fixture.sweep();
  expect(await patientOf(master)).toEqual(expect.any(String));
  expect(await patientOf(other)).toBeNull();
  expect(await fixture.sql('select 1 from patients')).toHaveLength(1);
  expect(fixture.lines.map(({ code }) => code)).not.toContain('CO-006');
});
