import * as z from 'zod';
import { type AuditRow, auditValues } from '../../../shared/audit/audit-row.ts';
import insertAuditRows from '../../../shared/audit/insert-audit-rows.sql';
import type { Database } from '../../../shared/database/database.ts';
import { CommandError } from '../../command-line/command-error.ts';
import { messageOf } from '../../command-line/message-of.ts';
import readOrganization from './read-organization.sql';

/** What is on record of a run: ids, names and numbers, never what a message or a person says. */
export interface RunValues {
  /** Whom it is about, by ConsentHub's id: the row is then part of what is on record of this patient. */
  readonly patientId?: string;
  readonly [name: string]: unknown;
}

export interface Run {
  /** With its words: `dead-letters redrive`. */
  readonly command: string;
  /** What was asked for. */
  readonly request?: RunValues;
}

/** Adds to what is on record at the end of the run. */
export type Note = (values: RunValues) => void;

/** Puts every run on record in the audit trail. */
export interface Recorder {
  /**
   * A run that only looks, with a row after it. It goes on without a record: who has to find out why the
   * database is away must not need the database.
   */
  recordedAfter<T>(run: Run, work: (note: Note) => Promise<T>): Promise<T>;
  /**
   * A run that changes something, or shows what is on record of a person, with a row before it and one
   * after it.
   *
   * @param work is told the id that both rows have as `runId`
   * @throws CommandError before anything is done, if it cannot be put on record
   */
  recordedFirst<T>(run: Run, work: (note: Note, runId: string) => Promise<T>): Promise<T>;
}

const ACTION = 'operator_command';

export function createRecorder(options: {
  readonly database: Database;
  /** Who runs the command. */
  readonly operator: string;
  readonly newId: () => string;
  readonly complain: (text: string) => void;
}): Recorder {
  const { database, operator, newId, complain } = options;

  async function insert(
    { command, request = {} }: Run,
    outcome: 'begun' | 'done' | 'failed',
    values: RunValues,
  ): Promise<void> {
    const told: RunValues = { command, operator, ...request, ...values };
    const [organization] = await database.query(readOrganization, []);
    const { organization_id } = z
      .object({ organization_id: z.string().nullable() })
      .parse(organization);
    const row: AuditRow = {
      id: newId(),
      patient_id: told.patientId ?? null,
      event_id: null,
      action: ACTION,
      source: 'operator',
      outcome,
      new_values: auditValues(told),
    };
    await database.transaction([
      { text: insertAuditRows, params: [JSON.stringify([{ organization_id, ...row }])] },
    ]);
  }

  /** Does the work, and says on record how it ended. */
  async function finish<T>(
    run: Run,
    values: RunValues,
    work: (note: Note) => Promise<T>,
  ): Promise<T> {
    let noted: RunValues = values;
    const end = async (outcome: 'done' | 'failed'): Promise<void> => {
      try {
        await insert(run, outcome, noted);
      } catch {
        complain('The database does not answer: how this run ended is not on record.');
      }
    };
    try {
      const result = await work((more) => {
        noted = { ...noted, ...more };
      });
      await end('done');
      return result;
    } catch (error) {
      noted = { ...noted, failure: messageOf(error) };
      await end('failed');
      throw error;
    }
  }

  return {
    recordedAfter: (run, work) => finish(run, {}, work),
    async recordedFirst(run, work) {
      // Ties both rows together.
      const runId = newId();
      try {
        await insert(run, 'begun', { runId });
      } catch {
        throw new CommandError(
          'The database does not answer, so this run cannot be put on record, and was not begun.',
        );
      }
      return await finish(run, { runId }, (note) => work(note, runId));
    },
  };
}
