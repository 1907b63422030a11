import { parseArgs } from 'node:util';
import * as z from 'zod';
import { CommandError } from '../../command-line/command-error.ts';
import { type Expiry, parseExpiry } from './expiry.ts';

export const CHANNELS = ['email', 'sms', 'phone', 'mail'] as const;
export type Channel = (typeof CHANNELS)[number];

export interface ChangeRequest {
  readonly action: 'grant' | 'revoke';
  /** Id of a patient, or of a contact in Dynamics. In lower case. */
  readonly patient: string;
  readonly channel: Channel;
  readonly expiry?: Expiry;
  readonly publish: boolean;
  /** How long to wait for Dynamics; absent: what the way of the change takes at most. */
  readonly timeoutMs?: number;
}

export type ConsentArguments = (
  | ChangeRequest
  | { readonly action: 'list' }
  | { readonly action: 'help' }
) & {
  readonly json: boolean;
  readonly allowRemote: boolean;
};

const MAX_TIMEOUT_SECONDS = 3600;

const id = z.guid().toLowerCase();
const channelName = z.enum(CHANNELS);

/**
 * Reads the command line. Pure.
 *
 * @throws CommandError
 */
export function parseArguments(args: readonly string[]): ConsentArguments {
  const { values, positionals } = readOptions(args);
  const common = { json: values.json, allowRemote: values['allow-remote'] };
  if (values.help) return { action: 'help', ...common };
  const [action, ...more] = positionals;
  if (more.length > 0) throw new CommandError(`${more.join(' ')}: not understood`);
  switch (action) {
    case undefined:
      throw new CommandError('Say what to do: grant, revoke or list');
    case 'list':
      return { action, ...common };
    case 'grant':
    case 'revoke':
      return {
        action,
        ...common,
        patient: required('--patient', 'the id of a patient or contact', id, values.patient),
        channel: required('--channel', CHANNELS.join(', '), channelName, values.channel),
        publish: !values['no-event'],
        ...expiryOf(action, values.expires),
        ...timeoutOf(values.timeout),
      };
    default:
      throw new CommandError(`${action}: not understood. Say grant, revoke or list`);
  }
}

function readOptions(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        patient: { type: 'string' },
        channel: { type: 'string' },
        expires: { type: 'string' },
        'no-event': { type: 'boolean', default: false },
        timeout: { type: 'string' },
        json: { type: 'boolean', default: false },
        // The tools of this project take it in common. There is nothing but the local stack here.
        local: { type: 'boolean', default: true },
        'allow-remote': { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error));
  }
}

function required<T>(name: string, what: string, schema: z.ZodType<T>, text?: string): T {
  if (text === undefined) throw new CommandError(`${name} is missing: ${what}`);
  const parsed = schema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new CommandError(`${name} ${text}: not ${what}`);
}

function expiryOf(action: 'grant' | 'revoke', text: string | undefined): { expiry?: Expiry } {
  if (text === undefined) return {};
  if (action === 'revoke') throw new CommandError('--expires is for grants: a revocation is final');
  return { expiry: parseExpiry(text) };
}

function timeoutOf(text: string | undefined): { timeoutMs?: number } {
  if (text === undefined) return {};
  const seconds = /^\d+$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > MAX_TIMEOUT_SECONDS) {
    throw new CommandError(
      `--timeout ${text}: not a number of seconds (1 to ${MAX_TIMEOUT_SECONDS})`,
    );
  }
  return { timeoutMs: seconds * 1000 };
}
