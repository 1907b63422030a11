import { setImmediate } from 'node:timers/promises';
import { type ChainFinding, createChainCheck } from './check-chain.ts';
import type { Seal, Sealer } from './seal.ts';
import type { SealedPage, SealReader } from './seal-store.ts';

/** What is wrong with the trail, and where. */
export type Finding =
  | ChainFinding
  /** It has no seal, and waits for none. */
  | { readonly kind: 'inserted'; readonly auditId: string }
  /** It was taken away before it was sealed. */
  | { readonly kind: 'missing_unsealed'; readonly auditId: string }
  /** The sweep does not seal. */
  | { readonly kind: 'not_sealed'; readonly waiting: number; readonly oldestSeconds: number }
  /** What was logged of this seal is not what stands in the database. */
  | { readonly kind: 'head_differs'; readonly number: number };

export interface Verification {
  /** How many seals were looked at. */
  readonly seals: number;
  /** Rows that wait for their seal. */
  readonly waiting: number;
  readonly head: Pick<Seal, 'number' | 'chain'> | undefined;
  readonly findings: readonly Finding[];
  /** There are more than are listed. */
  readonly more: boolean;
}

/** One answer of the database: a few megabytes. */
export const SEALS_PER_READ = 5_000;

/** Computed in a few milliseconds, before the network has its turn again. */
const SEALS_AT_ONCE = 200;

/** More would not be read by anybody; that something is wrong is known by then. */
export const MAX_FINDINGS = 1_000;

/** The sweep seals once a minute; ten of them are more than a deploy or an outage of a moment. */
export const MAX_UNSEALED_SECONDS = 600;

export interface VerifyOptions {
  readonly reader: SealReader;
  readonly sealer: Sealer;
  /** What the log says of a seal; absent: what was cut off at the end is not noticed. */
  readonly logged?: Pick<Seal, 'number' | 'chain'> | undefined;
  /** Told how many of how many seals were looked at. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Holds every audit row against its seal, and the seals against each other, up to the newest one of now.
 *
 * Throws as `SealReader` does, and with the signal's reason.
 */
export async function verifyTrail(options: VerifyOptions): Promise<Verification> {
  const { reader, sealer, logged, onProgress, signal } = options;
  const total = (await reader.readHead())?.seal.number ?? 0;
  let head: Seal | undefined;
  const check = createChainCheck(sealer);
  const findings: Finding[] = [];
  let seals = 0;
  let seenLogged: string | undefined;
  const read = (after: string | undefined): Promise<SealedPage> => {
    const page = reader.readSealed(after, SEALS_PER_READ);
    // It may fail before anybody waits for it.
    page.catch(() => undefined);
    return page;
  };
  let reading: Promise<SealedPage> | undefined = read(undefined);
  while (reading !== undefined) {
    signal?.throwIfAborted();
    const page: SealedPage = await reading;
    // The database reads the next page while this one is computed: what arrives is taken in between.
    reading = page.next === undefined ? undefined : read(page.next);
    for (const sealed of page.sealed) {
      if (seals % SEALS_AT_ONCE === 0) await setImmediate();
      seals += 1;
      head = sealed.seal;
      if (sealed.seal.number === logged?.number) seenLogged = sealed.seal.chain;
      findings.push(...check(sealed));
    }
    if (findings.length > MAX_FINDINGS) break;
    onProgress?.(seals, Math.max(seals, total));
  }
  const last = head?.number ?? 0;
  if (logged !== undefined && logged.number > last) {
    findings.push({ kind: 'seals_missing', from: last + 1, to: logged.number });
  } else if (seenLogged !== undefined && seenLogged !== logged?.chain) {
    findings.push({ kind: 'head_differs', number: logged?.number ?? 0 });
  }
  findings.push(...(await unsealedFindings(reader)));
  const { waiting, oldestSeconds } = await reader.countUnsealed();
  if (oldestSeconds > MAX_UNSEALED_SECONDS) {
    findings.push({ kind: 'not_sealed', waiting, oldestSeconds });
  }
  return {
    seals,
    waiting,
    head: head && { number: head.number, chain: head.chain },
    findings: findings.slice(0, MAX_FINDINGS),
    more: findings.length > MAX_FINDINGS,
  };
}

async function unsealedFindings(reader: SealReader): Promise<readonly Finding[]> {
  const inserted = await reader.findInserted(MAX_FINDINGS);
  const taken = await reader.findTakenUnsealed(MAX_FINDINGS);
  return [
    ...inserted.map((auditId): Finding => ({ kind: 'inserted', auditId })),
    ...taken.map((auditId): Finding => ({ kind: 'missing_unsealed', auditId })),
  ];
}
