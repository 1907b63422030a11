import { DataverseForbidden } from '../dataverse/errors.ts';
import { columnsMissing, type Problem, problemOf } from '../dataverse/problem.ts';
import type { Probe } from './probe.ts';

export type CheckName =
  | 'token'
  | 'reachability'
  | 'read'
  | 'write'
  | 'fields'
  | 'changeTracking'
  | 'webhook';

export interface Check {
  readonly name: CheckName;
  readonly ok: boolean;
  readonly message: string;
  /** What to do about it; null where nothing is to be done. */
  readonly remedy: string | null;
}

/** What a test found out. */
export interface TestResult {
  readonly organization: {
    readonly id: string | null;
    readonly name: string | null;
    readonly version: string | null;
  };
  readonly user: { readonly id: string | null };
  readonly checks: readonly Check[];
}

const NEEDED_MESSAGES = ['Create', 'Update', 'Delete'];

/** The message of a check that was left out. */
export const NOT_TRIED = 'Not tried, because a check before it has failed.';

const NOTHING = { organization: { id: null, name: null, version: null }, user: { id: null } };

/**
 * Goes through the checklist. What needs a failed check before it is not tried and says so.
 *
 * @param open gets a token. Throws, like the probe's methods, the errors of `errors.ts`.
 */
export async function runChecks(open: () => Promise<Probe>): Promise<TestResult> {
  let probe: Probe;
  try {
    probe = await open();
  } catch (error) {
    return { ...NOTHING, checks: [failed('token', problemOf(error)), ...notTried(AFTER_TOKEN)] };
  }
  const token = passed('token', 'Entra ID gives out a token.');
  let identity: Awaited<ReturnType<Probe['whoAmI']>>;
  try {
    identity = await probe.whoAmI();
  } catch (error) {
    const reachability = failed('reachability', problemOf(error));
    return { ...NOTHING, checks: [token, reachability, ...notTried(AFTER_REACHABILITY)] };
  }
  const { organizationId, userId } = identity;
  const [name, version, tracking, write, fields, webhook] = await Promise.all([
    probe.organizationName(organizationId).catch(() => null),
    probe.version().catch(() => null),
    readAndTracking(probe),
    check('write', () => writeCheck(probe)),
    check('fields', () => fieldsCheck(probe)),
    check('webhook', () => webhookCheck(probe)),
  ]);
  return {
    organization: { id: organizationId, name, version },
    user: { id: userId },
    checks: [
      token,
      passed('reachability', 'The organisation answers and knows the application user.'),
      tracking.read,
      write,
      fields,
      tracking.changeTracking,
      webhook,
    ],
  };
}

const AFTER_REACHABILITY = ['read', 'write', 'fields', 'changeTracking', 'webhook'] as const;
const AFTER_TOKEN = ['reachability', ...AFTER_REACHABILITY] as const;

const passed = (name: CheckName, message: string): Check => ({
  name,
  ok: true,
  message,
  remedy: null,
});

const failed = (name: CheckName, { message, remedy }: Problem): Check => ({
  name,
  ok: false,
  message,
  remedy,
});

const notTried = (names: readonly CheckName[]): Check[] =>
  names.map((name) => ({
    name,
    ok: false,
    message: NOT_TRIED,
    remedy: 'Mend what failed first, and test again.',
  }));

async function check(name: CheckName, run: () => Promise<Check>): Promise<Check> {
  try {
    return await run();
  } catch (error) {
    return failed(name, problemOf(error));
  }
}

/** Whether reading reaches the whole organisation shows only where changes are tracked. */
async function readAndTracking(
  probe: Probe,
): Promise<{ readonly read: Check; readonly changeTracking: Check }> {
  let enabled: boolean;
  try {
    enabled = await probe.changeTrackingEnabled();
  } catch (error) {
    const changeTracking = failed('changeTracking', problemOf(error));
    return { read: await check('read', () => readCheck(probe, false)), changeTracking };
  }
  return {
    read: await check('read', () => readCheck(probe, enabled)),
    changeTracking: enabled
      ? passed('changeTracking', 'Changes of contacts are tracked.')
      : failed('changeTracking', TRACKING_OFF),
  };
}

const TRACKING_OFF: Problem = {
  code: 'change_tracking_off',
  message: 'Changes of contacts are not tracked.',
  remedy:
    'Run npm run dynamics -- setup, or open the table Contact in Power Apps, Properties, Advanced options, turn on Track changes, and publish.',
};

async function readCheck(probe: Probe, tracked: boolean): Promise<Check> {
  try {
    await (tracked ? probe.readTracked() : probe.readPlainly());
  } catch (error) {
    if (!(error instanceof DataverseForbidden)) throw error;
    return failed('read', {
      ...problemOf(error),
      message: 'The application user may not read all contacts of the organisation.',
      remedy:
        'Give the application user a security role with Read on the table Contact at the level Organization.',
    });
  }
  return tracked
    ? passed('read', 'All contacts of the organisation can be read.')
    : passed(
        'read',
        'Contacts can be read. Whether all of them shows only once changes are tracked.',
      );
}

async function writeCheck(probe: Probe): Promise<Check> {
  try {
    await probe.write();
  } catch (error) {
    if (!(error instanceof DataverseForbidden)) throw error;
    return failed('write', {
      ...problemOf(error),
      message: 'The application user may not change contacts.',
      remedy:
        'Give the application user a security role with Write on the table Contact at the level Organization.',
    });
  }
  return passed('write', 'Contacts can be changed. (Tried on one that does not exist.)');
}

async function fieldsCheck(probe: Probe): Promise<Check> {
  const missing = await probe.missingColumns();
  return missing.length === 0
    ? passed('fields', 'The contact table has all columns that consents are written to.')
    : failed('fields', columnsMissing(missing));
}

async function webhookCheck(probe: Probe): Promise<Check> {
  const registered = new Set(await probe.webhookMessages());
  const missing = NEEDED_MESSAGES.filter((message) => !registered.has(message));
  if (missing.length === 0) {
    return passed('webhook', 'The steps that send webhooks are registered and enabled.');
  }
  return failed('webhook', {
    code: 'webhook_missing',
    message: `No enabled step of ConsentHub's is registered for ${missing.join(', ')} of contact.`,
    remedy:
      'Run npm run dynamics -- setup, or register the plug-in with an asynchronous post-operation step for Create, Update and Delete of contact, each named ConsentHub and what it is for, and enable the steps.',
  });
}
