import {
  type GetSecretValueCommandInput,
  ResourceNotFoundException,
} from '@aws-sdk/client-secrets-manager';
import { createSecretReader, type SecretReader } from '../../shared/secrets/secrets.ts';
import type { World } from './world.ts';

export const WEBHOOK_SECRET_ARN = 'webhook-secret';

/** Containers that live on and keep what they have read; which of them takes a request is chance. */
const CONTAINERS = 2;

/** After this every container reads again for the sake of a mismatch (`shared/secrets/secrets.ts`). */
const SWITCHED_AFTER_MS = { earliest: 31_000, latest: 600_000 } as const;

export interface WebhookSecret {
  /** What Dynamics signs with. */
  inUse(): string;
  /** A new secret is stored; Dynamics is switched to it a while later. Not while one is under way. */
  rotate(key: string): void;
  /** What one of the containers knows. */
  readerOf(key: string): SecretReader;
}

/** The webhook's secret: in Secrets Manager, in the containers that have read it, and in Dynamics. */
export function createWebhookSecret(world: World): WebhookSecret {
  const versions = [{ value: 'secret-1', createdAt: new Date(world.now()) }];
  let inUse = 'secret-1';
  let reads = 0;

  const send = async ({ input }: { input: GetSecretValueCommandInput }) => {
    reads += 1;
    if (world.fault(`secret ${reads}`, 'secrets', ['secrets unavailable']) !== undefined) {
      throw new Error('Secrets Manager does not answer');
    }
    const version = versions.at(input.VersionStage === 'AWSPREVIOUS' ? -2 : -1);
    if (version === undefined) {
      throw new ResourceNotFoundException({ message: 'no such version', $metadata: {} });
    }
    return { SecretString: version.value, CreatedDate: version.createdAt };
  };
  const readers = Array.from({ length: CONTAINERS }, () =>
    createSecretReader({
      client: { send },
      now: () => world.now(),
    }),
  );

  return {
    inUse: () => inUse,
    rotate(key) {
      if (inUse !== versions.at(-1)?.value) return;
      const value = `secret-${versions.length + 1}`;
      versions.push({ value, createdAt: new Date(world.now()) });
      const { earliest, latest } = SWITCHED_AFTER_MS;
      world.after(
        world.random.between(`${key} switched`, earliest, latest),
        () => {
          inUse = value;
        },
        { background: true },
      );
    },
    readerOf: (key) => {
      const reader = readers[world.random.between(`${key} container`, 0, CONTAINERS - 1)];
      if (reader === undefined) throw new RangeError('no such container');
      return reader;
    },
  };
}
