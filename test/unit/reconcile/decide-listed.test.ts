import { expect, test } from 'vitest';
import type { ConsentFields } from '../../../shared/consent/consent-fields.ts';
import type { StoredContact } from '../../../shared/contacts/decide-contact.ts';
import { decideListed } from '../../../shared/reconcile/decide-listed.ts';
import { mayAskMissing } from '../../../shared/reconcile/decide-missing.ts';

// Beyond what a double can tell apart.
const [OLDER, SAME, NEWER] = ['9007199254740992', '9007199254740993', '9007199254740994'];

const WRITTEN: ConsentFields = {
  marketingEmail: true,
  marketingSms: false,
  marketingPhone: false,
  marketingMail: false,
  consentDate: '2026-01-01T00:00:00Z',
  consentExpires: null,
  consentStatus: 'Partial',
};
const EDITED: ConsentFields = { ...WRITTEN, marketingSms: true };

const row = (changes: Partial<StoredContact> = {}): StoredContact => ({
  revision: '1',
  version: SAME,
  seen: null,
  pushed: [],
  written: null,
  leased: false,
  mergedInto: null,
  deleted: false,
  readDue: false,
  attempts: 0,
  linked: true,
  erased: false,
  patient: null,
  formerPatientId: null,
  ...changes,
});

test.each([
  ['nobody knows it', undefined, SAME, 'apply'],
  ['it was never read', row({ version: null }), SAME, 'apply'],
  ['the page is newer', row(), NEWER, 'apply'],
  ['our fields show what we wrote', row({ written: WRITTEN }), NEWER, 'apply'],
  ['our fields show something else', row({ written: EDITED }), NEWER, 'read-again'],
  ['somebody is writing it', row({ leased: true }), NEWER, 'read-again'],
  ['it was read at that version', row(), SAME, 'nothing'],
  ['it was read at a newer one', row(), OLDER, 'read-again'],
  ['it is a tombstone', row({ deleted: true }), NEWER, 'read-again'],
  [
    'it is a tombstone that was never read',
    row({ deleted: true, version: null }),
    SAME,
    'read-again',
  ],
  ['somebody asked for a newer read', row({ readDue: true }), NEWER, 'nothing'],
] as const)('a contact on a page, where %s', (_, stored, version, step) => {
  expect(decideListed(stored, { version: version ?? '', consent: WRITTEN })).toBe(step);
});

test.each([
  [{ known: 200_000, missing: 10_000 }, true],
  [{ known: 200_000, missing: 10_001 }, false],
  [{ known: 12, missing: 10 }, true],
  [{ known: 100, missing: 11 }, false],
])('of %j a twentieth, or a handful, may be missing', (found, may) => {
  expect(mayAskMissing(found, 0.05)).toBe(may);
});
