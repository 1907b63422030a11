import { invalidRequest, secretNotFound } from './errors.ts';

/** The labels that the service itself moves. */
export const CURRENT = 'AWSCURRENT';
export const PREVIOUS = 'AWSPREVIOUS';

/** One of the two is set; a binary value stays the base64 text of the wire. */
export interface SecretValue {
  readonly text?: string;
  readonly binary?: string;
}

export interface Version {
  readonly id: string;
  readonly value: SecretValue;
  readonly stages: Set<string>;
  readonly createdMs: number;
}

export interface Secret {
  readonly arn: string;
  readonly name: string;
  readonly description?: string;
  readonly kmsKeyId?: string;
  readonly tags: readonly Record<string, unknown>[];
  readonly createdMs: number;
  readonly versions: Map<string, Version>;
  changedMs: number;
  accessedMs?: number;
  /** When it was marked for deletion. */
  deletedMs?: number;
}

/** The secrets of one account in one region, and what the service needs besides. */
export class SecretStore {
  readonly #secrets = new Map<string, Secret>();
  readonly #now: () => number;
  readonly #arnPrefix: string;
  readonly #arnSuffix: (name: string) => string;

  constructor(options: {
    now: () => number;
    region: string;
    accountId: string;
    arnSuffix: (name: string) => string;
  }) {
    this.#now = options.now;
    this.#arnPrefix = `arn:aws:secretsmanager:${options.region}:${options.accountId}:secret:`;
    this.#arnSuffix = options.arnSuffix;
  }

  /** Milliseconds since the epoch. */
  get nowMs(): number {
    return this.#now();
  }

  arnOf(name: string): string {
    return `${this.#arnPrefix}${name}-${this.#arnSuffix(name)}`;
  }

  add(secret: Secret): void {
    this.#secrets.set(secret.name, secret);
  }

  remove(secret: Secret): void {
    this.#secrets.delete(secret.name);
  }

  named(name: string): Secret | undefined {
    return this.#secrets.get(name);
  }

  /**
   * By name, ARN, or ARN without its six random characters, marked for deletion or not.
   * Throws ResourceNotFoundException.
   */
  find(secretId: string): Secret {
    const byName = this.#secrets.get(secretId);
    if (byName !== undefined) return byName;
    for (const secret of this.#secrets.values()) {
      const partialArn = `${this.#arnPrefix}${secret.name}`;
      if (secretId === secret.arn || secretId === partialArn) return secret;
    }
    throw secretNotFound();
  }

  /** Like `find`, but one marked for deletion is refused (InvalidRequestException). */
  findLive(secretId: string): Secret {
    const secret = this.find(secretId);
    if (secret.deletedMs === undefined) return secret;
    throw invalidRequest(
      "You can't perform this operation on the secret because it was marked for deletion.",
    );
  }
}

export function versionWith(secret: Secret, stage: string): Version | undefined {
  return [...secret.versions.values()].find(({ stages }) => stages.has(stage));
}

/** Takes the label from whoever has it. A version that loses AWSCURRENT gets AWSPREVIOUS in exchange. */
export function moveStage(secret: Secret, stage: string, to: Version): void {
  const from = versionWith(secret, stage);
  if (from === to) return;
  from?.stages.delete(stage);
  if (from !== undefined && stage === CURRENT) {
    versionWith(secret, PREVIOUS)?.stages.delete(PREVIOUS);
    from.stages.add(PREVIOUS);
    to.stages.delete(PREVIOUS);
  }
  to.stages.add(stage);
}

/** Times go over the wire as seconds. */
export function seconds(timeMs: number): number {
  return timeMs / 1000;
}
