import type { SealableRow } from '../../shared/audit/seal.ts';

export const AT = '2026-11-22T10:00:00.000001Z';

export const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** The nth row of a made-up audit trail. */
export const row = (n: number): SealableRow => ({
  id: id(n),
  organization_id: id(1),
  patient_id: id(2),
  consent_id: null,
  user_id: null,
  action: 'consent_granted',
  old_values: null,
  new_values: '{"amount": 1.0}',
  timestamp: AT,
  checksum: 'c',
  event_id: `event ${n}`,
  source: 'consenthub',
  outcome: 'applied',
});
