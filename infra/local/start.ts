import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { demonstrateConsent } from './demonstration/consent.ts';
import { demonstrateContacts } from './demonstration/contacts.ts';
import { readLatencies } from './latencies.ts';
import { alarmTable, consentJourney, journeys, latencyTable, overview } from './overview.ts';
import { type Stack, startStack } from './stack.ts';
import type { StackDetails } from './stack-file.ts';

const DEFAULT_PORT = 8787;
const MAX_PORT = 65_535;
const STATE_DIRECTORY = fileURLToPath(new URL('../../.local', import.meta.url));
/** npm passes a signal on that the terminal has sent already: two so close together are one. */
const SAME_SIGNAL_MS = 500;
/** A forced stop that takes longer than this is no stop. */
const FORCED_STOP_MS = 5000;

const HELP = `Runs ConsentHub ↔ Dynamics on this machine, from the synthesised CloudFormation template.

  npm start -- [options]

  --port <n>       port of the HTTP API (default ${DEFAULT_PORT}, 0: any free one)
  --fresh          forget the database, the simulated Dynamics, queues and credentials first
  --quiet          do not show both directions at work with new contacts and a consent
  --no-schedules   do not run what the clock runs
  --freeze         stop functions between invocations, as Lambda does
  --webhook-header webhooks show a static secret instead of a signature
  --allow-remote   let environment variables name systems on other machines
  --help           this text

A simulated system is replaced by another one through the environment:
DYNAMICS_ORG_URL, DYNAMICS_AUTHORITY_URL, DYNAMICS_TENANT_ID, DYNAMICS_CLIENT_ID,
DYNAMICS_CLIENT_SECRET, DYNAMICS_WEBHOOK_SECRET, DATABASE_URL, UPSTASH_REDIS_REST_URL,
UPSTASH_REDIS_REST_TOKEN. See docs/local-stack.md.`;

interface Options {
  readonly port: number;
  readonly fresh: boolean;
  readonly quiet: boolean;
  readonly schedules: boolean;
  readonly freeze: boolean;
  readonly allowRemote: boolean;
  readonly webhookHeader: boolean;
}

const options = readOptions(process.argv.slice(2));
const interrupted = new AbortController();
let stack: Stack | undefined;
listenForSignals();

try {
  const startedAt = performance.now();
  stack = await startStack({
    port: options.port,
    stateDirectory: STATE_DIRECTORY,
    fresh: options.fresh,
    allowRemote: options.allowRemote,
    schedules: options.schedules,
    freeze: options.freeze,
    webhookAuthentication: options.webhookHeader ? 'header' : 'signature',
    environment: process.env,
    signal: interrupted.signal,
    report: say,
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const stackFile = relative(process.cwd(), resolve(STATE_DIRECTORY, 'stack.json'));
  say(`\nEverything runs (${seconds} s):\n\n${overview(stack, stackFile)}\n`);
  const controlUrl = stack.details.dataverseControlUrl;
  if (!options.quiet && controlUrl !== undefined && !interrupted.signal.aborted) {
    await demonstrate(stack.details, controlUrl, interrupted.signal);
  }
  if (!interrupted.signal.aborted) say('Stop with Ctrl-C.');
  await untilInterrupted();
} catch (error) {
  if (!interrupted.signal.aborted) {
    complain(error instanceof Error ? messageOf(error) : String(error));
    process.exitCode = 1;
  }
}
if (stack !== undefined) {
  await stack.stop();
  const latencies = await readLatencies(stack.logDirectory);
  if (latencies.length > 0) say(`\nHow long events took:\n\n${latencyTable(latencies)}`);
  const alarms = alarmTable(stack.alarms());
  if (alarms !== undefined) say(`\nAlarms that went on:\n\n${alarms}`);
}
// The way to a clean end is that nothing is left; a handle left open must not keep the terminal.
process.exit();

function readOptions(args: string[]): Options {
  try {
    const { values } = parseArgs({
      args,
      options: {
        port: { type: 'string', default: String(DEFAULT_PORT) },
        fresh: { type: 'boolean', default: false },
        quiet: { type: 'boolean', default: false },
        'no-schedules': { type: 'boolean', default: false },
        freeze: { type: 'boolean', default: false },
        'webhook-header': { type: 'boolean', default: false },
        'allow-remote': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      say(HELP);
      process.exit(0);
    }
    const port = /^\d+$/.test(values.port) ? Number(values.port) : -1;
    if (port < 0 || port > MAX_PORT) throw new Error(`--port ${values.port} is not a port`);
    const { fresh, quiet, freeze } = values;
    const schedules = !values['no-schedules'];
    return {
      port,
      fresh,
      quiet,
      schedules,
      freeze,
      allowRemote: values['allow-remote'],
      webhookHeader: values['webhook-header'],
    };
  } catch (error) {
    complain(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
    process.exit(1);
  }
}

/** Shows both directions at work. */
async function demonstrate(
  details: StackDetails,
  controlUrl: string,
  signal: AbortSignal,
): Promise<void> {
  say('Creating contacts in the simulated Dynamics:');
  const contacts = await demonstrateContacts(details, controlUrl, signal);
  say(`\n${journeys(contacts)}\n`);
  const { contactId, patientId } = contacts[0] ?? {};
  if (contactId === undefined || patientId === undefined || signal.aborted) return;
  say('Granting a consent to marketing by email in ConsentHub:');
  const consent = await demonstrateConsent(details, controlUrl, { contactId, patientId }, signal);
  say(`\n${consentJourney(consent)}\n`);
}

/** The first signal stops the stack gently, a second one at once. */
function listenForSignals(): void {
  let firstAt: number | undefined;
  const stop = (): void => {
    const now = performance.now();
    if (firstAt === undefined) {
      firstAt = now;
      say('\nStopping: functions finish what they hold. Ctrl-C again stops at once.');
      interrupted.abort();
    } else if (now - firstAt > SAME_SIGNAL_MS) {
      setTimeout(() => process.exit(130), FORCED_STOP_MS).unref();
      if (stack === undefined) process.exit(130);
      void stack.stop({ force: true });
    }
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', stop);
}

async function untilInterrupted(): Promise<void> {
  if (interrupted.signal.aborted) return;
  // Listening alone does not keep a process alive; the servers of the stack do.
  await new Promise((done) => interrupted.signal.addEventListener('abort', done, { once: true }));
}

function messageOf(error: Error): string {
  if (error.name !== 'PortTakenError') return error.message;
  const example = options.port === MAX_PORT ? options.port - 1 : options.port + 1;
  return `The HTTP API cannot start: ${error.message}. Choose another: npm start -- --port ${example}`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
}
