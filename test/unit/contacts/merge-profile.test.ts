import { describe, expect, test } from 'vitest';
import { mergeProfile } from '../../../shared/contacts/merge-profile.ts';

const profile = (email: string | null) => ({
  firstName: 'Ada',
  lastName: 'Fictitious',
  email,
  phone: null,
});

describe('the three-way merge of one field', () => {
  test.each([
    // seen, contact, patient → patient, changed, conflict, ahead
    ['nothing changed', 'a', 'a', 'a', 'a', false, false, false],
    ['Dynamics changed it', 'a', 'b', 'a', 'b', true, false, false],
    ['Dynamics cleared it', 'a', null, 'a', null, true, false, false],
    ['ConsentHub changed it', 'a', 'a', 'b', 'b', false, false, true],
    ['ConsentHub cleared it', 'a', 'a', null, null, false, false, true],
    ['both changed it: Dynamics wins', 'a', 'b', 'c', 'b', true, true, false],
    ['both changed it to the same', 'a', 'b', 'b', 'b', false, false, false],
    ['an empty string is nothing', null, null, '', '', false, false, false],
  ])('%s', (_, seen, contact, patient, merged, changed, conflict, ahead) => {
    expect(mergeProfile(profile(contact), profile(patient), profile(seen))).toEqual({
      patient: profile(merged),
      changed: changed ? ['email'] : [],
      conflicts: conflict ? ['email'] : [],
      ahead: ahead ? ['email'] : [],
    });
  });

  test('without a base takes what Dynamics says and keeps what it does not', () => {
    const contact = {
      firstName: 'Ada',
      lastName: 'Fictitious',
      email: 'new@example.test',
      phone: null,
    };
    const patient = {
      firstName: 'Ada',
      lastName: 'Fictitious',
      email: 'old@example.test',
      phone: '1',
    };
    expect(mergeProfile(contact, patient, undefined)).toEqual({
      patient: { ...contact, phone: '1' },
      changed: ['email'],
      conflicts: [],
      ahead: ['phone'],
    });
  });
});
