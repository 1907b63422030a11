import * as z from 'zod';
import {
  NO_CHAIN,
  type SealableRow,
  sealableRow,
  type Seal,
  type Sealer,
} from '../../../shared/audit/seal.ts';
import { withSealableColumns, withSealColumns } from '../../../shared/audit/sealable-columns.ts';
import { toSeal } from '../../../shared/audit/seal-store.ts';
import type { Database, Row } from '../../../shared/database/database.ts';
import readPatientConsents from './read-patient-consents.sql';
import readPatientTrailStatement from './read-patient-trail.sql';

/**
 * What a seal says of an audit row: `sealed`: the row is what was sealed, and the seal is genuine;
 * `waiting`: the sweep gives it one within a minute; `unsealed`: it has none and waits for none;
 * `unproven`: the seal before it is missing; `altered`: row or seal are not what they were.
 */
export type Proof = 'sealed' | 'waiting' | 'unsealed' | 'unproven' | 'altered';

/** One row of the audit trail; times are UTC, six decimals. */
export interface TrailEntry {
  readonly auditId: string;
  readonly at: string | null;
  readonly action: string | null;
  readonly outcome: string | null;
  readonly source: string | null;
  /** Who, as ConsentHub knows it. */
  readonly userId: string | null;
  readonly patientId: string | null;
  readonly consentId: string | null;
  readonly eventId: string | null;
  readonly oldValues: unknown;
  /** Of a write to Dynamics: the fields, what it told of the consents, and the events that it covers. */
  readonly newValues: unknown;
  readonly checksum: string | null;
  readonly seal: Omit<Seal, 'auditId'> | null;
  readonly proof: Proof;
}

const consentRow = z.object({
  id: z.string(),
  type: z.string(),
  status: z.string().nullable(),
  granted_at: z.string().nullable(),
  expires_at: z.string().nullable(),
  revoked_at: z.string().nullable(),
});

export interface PatientTrail {
  readonly patientId: string;
  /** As they stand now, which is no part of the trail. */
  readonly consents: readonly z.output<typeof consentRow>[];
  readonly entries: readonly TrailEntry[];
  /** Every entry is sealed, or waits for it. */
  readonly proven: boolean;
  /** There is a consent, or an entry other than of operators who have asked for this id. */
  readonly known: boolean;
}

/**
 * What was on record of a patient when the run that asks was begun. Throws as `Database` does.
 *
 * @param asked `runId`: of the run that asks, whose own row is left out
 */
export async function readPatientTrail(
  database: Database,
  sealer: Sealer,
  { patientId, runId }: { readonly patientId: string; readonly runId: string },
): Promise<PatientTrail> {
  const [rows = [], consents = []] = await database.transaction([
    {
      text: withSealableColumns(withSealColumns(readPatientTrailStatement)),
      params: [patientId, runId],
    },
    { text: readPatientConsents, params: [patientId] },
  ]);
  const entries = rows.map((row) => toEntry(sealer, row));
  return {
    patientId,
    consents: consents.map((row) => consentRow.parse(row)),
    entries,
    proven: entries.every(({ proof }) => proof === 'sealed' || proof === 'waiting'),
    known: consents.length > 0 || entries.some(({ action }) => action !== 'operator_command'),
  };
}

function toEntry(sealer: Sealer, columns: Row): TrailEntry {
  const row = sealableRow.parse(columns);
  const seal = columns['number'] === null ? undefined : toSeal(columns);
  const previous = z.string().nullable().parse(columns['previous_chain']);
  return {
    auditId: row.id,
    at: row.timestamp,
    action: row.action,
    outcome: row.outcome,
    source: row.source,
    userId: row.user_id,
    patientId: row.patient_id,
    consentId: row.consent_id,
    eventId: row.event_id,
    oldValues: parsed(row.old_values),
    newValues: parsed(row.new_values),
    checksum: row.checksum,
    seal: seal === undefined ? null : withoutId(seal),
    proof: proofOf(sealer, row, seal, {
      previous: previous ?? (seal?.number === 1 ? NO_CHAIN : undefined),
      queued: z.boolean().parse(columns['queued']),
    }),
  };
}

const withoutId = ({ auditId: _id, ...seal }: Seal): Omit<Seal, 'auditId'> => seal;

const parsed = (text: string | null): unknown => (text === null ? null : JSON.parse(text));

function proofOf(
  sealer: Sealer,
  row: SealableRow,
  seal: Seal | undefined,
  { previous, queued }: { readonly previous: string | undefined; readonly queued: boolean },
): Proof {
  if (seal === undefined) return queued ? 'waiting' : 'unsealed';
  if (sealer.rowHash(row) !== seal.rowHash) return 'altered';
  if (previous === undefined) return 'unproven';
  return sealer.chain(seal, previous) === seal.chain ? 'sealed' : 'altered';
}
