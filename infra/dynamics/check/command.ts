import { randomUUID } from 'node:crypto';
import { runChecks } from '../../../shared/connection-test/checks.ts';
import { openProbe } from '../../../shared/connection-test/probe.ts';
import type { Command } from '../command.ts';
import { checksAsText } from './report.ts';

/** The checklist of a connection, at most so many of its requests at a time. */
const PARALLEL_REQUESTS = 4;

export const checkCommand: Command = {
  summary: 'says what the organisation lacks, and what to do about it',
  options: {},
  help: '',
  async run({ target, json, say }) {
    const { dynamics } = target(['dynamics', 'database']);
    const { organization, user, checks } = await runChecks(() =>
      openProbe(dynamics, { fetch, parallelRequests: PARALLEL_REQUESTS, newId: randomUUID }),
    );
    const ok = checks.every((check) => check.ok);
    say(
      json
        ? JSON.stringify({ ok, organization, user, checks }, undefined, 2)
        : checksAsText(organization.name, checks),
    );
    return ok ? 0 : 1;
  },
};
