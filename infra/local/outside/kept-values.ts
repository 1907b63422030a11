import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as z from 'zod';

const keptValues = z.object({
  tenantId: z.string(),
  clientId: z.string(),
  clientSecret: z.string(),
  webhookSecret: z.string(),
  auditKey: z.string(),
  redisRestToken: z.string(),
});

/** Credentials of the simulated systems. */
export type KeptValues = z.infer<typeof keptValues>;

const SECRET_BYTES = 32;
const secret = (): string => randomBytes(SECRET_BYTES).toString('base64url');

/**
 * Credentials made up at the first start and kept, so that a restart does not change them. What an older
 * version has not kept is added.
 */
export function keepValues(file: string): KeptValues {
  const kept: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const values = {
    tenantId: randomUUID(),
    clientId: randomUUID(),
    clientSecret: secret(),
    webhookSecret: secret(),
    auditKey: secret(),
    redisRestToken: secret(),
    ...keptValues.partial().parse(kept),
  };
  writeFileSync(file, JSON.stringify(values), { mode: 0o600 });
  return keptValues.parse(values);
}
