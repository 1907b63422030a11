import { describe, expect, test } from 'vitest';
import { type Candidate, matchPatient } from '../../../shared/contacts/match-patient.ts';
import { matchKey } from '../../../shared/contacts/profile.ts';

const person = {
  firstName: ' Ada ',
  lastName: 'FICTITIOUS',
  email: 'Ada@Example.test',
  phone: null,
};
const contact = (contactId: string, merged = false) => ({
  contactId,
  organizationId: 'o1',
  key: matchKey(person),
  merged,
});
const candidate = (id: string, overrides: Partial<Candidate> = {}): Candidate => ({
  organizationId: 'o1',
  contactId: 'c1',
  patient: { ...person, id },
  own: false,
  merged: false,
  rivals: 0,
  ...overrides,
});
const match = (candidates: Candidate[], others: ReturnType<typeof contact>[] = []) =>
  matchPatient(contact('c1'), candidates, [contact('c1'), ...others])?.id;

describe('a contact without a patient', () => {
  test('is matched on name and email, trimmed and without case', () => {
    expect(matchKey(person)).toEqual({
      firstName: 'ada',
      lastName: 'fictitious',
      email: 'ada@example.test',
    });
    expect(match([candidate('p1')])).toBe('p1');
  });

  test.each([['firstName'], ['lastName'], ['email']] as const)(
    'is not matched without %s',
    (field) => {
      expect(matchKey({ ...person, [field]: null })).toBeUndefined();
      expect(matchKey({ ...person, [field]: '  ' })).toBeUndefined();
    },
  );

  test('is not matched when two patients fit', () => {
    expect(match([candidate('p1'), candidate('p2')])).toBeUndefined();
  });

  test('is not matched when another contact is the same person', () => {
    expect(match([candidate('p1', { rivals: 1 })])).toBeUndefined();
    expect(match([candidate('p1')], [contact('c2')])).toBeUndefined();
    expect(match([candidate('p1')], [{ ...contact('c2'), organizationId: 'o2' }])).toBe('p1');
  });

  test("ConsentHub's own note of the contact's id decides", () => {
    const own = candidate('p2', { own: true, rivals: 1 });
    expect(match([candidate('p1'), own], [contact('c2')])).toBe('p2');
    expect(match([own, candidate('p3', { own: true })])).toBeUndefined();
  });

  test('the master of a merge takes over a patient, before one that is only alike', () => {
    const merged = candidate('p2', { merged: true, rivals: 1 });
    expect(match([candidate('p1'), merged], [contact('c2')])).toBe('p2');
    expect(match([candidate('p1', { own: true }), merged])).toBe('p1');
  });

  test('a contact that was merged itself takes over nobody', () => {
    const merged = candidate('p2', { merged: true });
    const chain = contact('c1', true);
    expect(matchPatient(chain, [merged], [chain])).toBeUndefined();
    expect(matchPatient(chain, [merged, candidate('p1')], [chain])?.id).toBe('p1');
  });

  test("another contact's candidates are not its own", () => {
    expect(match([candidate('p1', { contactId: 'c2' })])).toBeUndefined();
  });
});
