import { randomUUID } from 'node:crypto';
import { runChecks } from '../../../shared/connection-test/checks.ts';
import { openProbe } from '../../../shared/connection-test/probe.ts';
import {
  createDatabase,
  type Database,
  DatabaseUnavailable,
} from '../../../shared/database/database.ts';
import { DataverseError } from '../../../shared/dataverse/errors.ts';
import { problemOf } from '../../../shared/dataverse/problem.ts';
import { NO_DATABASE } from '../../command-line/message-of.ts';
import type { Command } from '../command-context.ts';
import { connectOrganization } from '../organization/connect.ts';
import { readState } from '../organization/read-state.ts';
import { readOrganizationRows } from '../setup/organization-row.ts';
import { checkLostEvents, checkOrganizationRow, checkRegistration } from './own-checks.ts';
import { type CheckLine, checksAsText } from './report.ts';

/** The checklist of a connection, at most so many of its requests at a time. */
const PARALLEL_REQUESTS = 4;

export const checkCommand: Command = {
  summary: 'says what the organisation lacks, and what to do about it',
  options: {},
  help: '',
  async run({ target, json, say }) {
    const { dynamics, database } = target(['dynamics', 'database']);
    const { organization, user, checks } = await runChecks(() =>
      openProbe(dynamics, { fetch, parallelRequests: PARALLEL_REQUESTS, newId: randomUUID }),
    );
    const lines: CheckLine[] = [...checks];
    if (organization.id !== null) {
      lines.push(...(await registrationLines(dynamics)));
      lines.push(await organizationLine(createDatabase(database), organization.id));
    }
    const ok = lines.every((line) => line.ok);
    say(
      json
        ? JSON.stringify({ ok, organization, user, checks: lines }, undefined, 2)
        : checksAsText(organization.name, lines),
    );
    return ok ? 0 : 1;
  },
};

async function organizationLine(database: Database, dataverseId: string): Promise<CheckLine> {
  try {
    return checkOrganizationRow(await readOrganizationRows(database), dataverseId);
  } catch (error) {
    if (!(error instanceof DatabaseUnavailable)) throw error;
    return { name: 'organisation row', ok: false, ...NO_DATABASE };
  }
}

/** What cannot be read is a line as well: the other ones are of use all the same. */
async function registrationLines(
  dynamics: Parameters<typeof connectOrganization>[0],
): Promise<readonly CheckLine[]> {
  try {
    const { api } = await connectOrganization(dynamics);
    const state = await readState(api);
    return [...checkRegistration(state), await checkLostEvents(api, state, Date.now())];
  } catch (error) {
    if (!(error instanceof DataverseError)) throw error;
    const { message, remedy } = problemOf(error);
    return [{ name: 'registration', ok: false, message, remedy }];
  }
}
