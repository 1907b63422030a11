import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { alreadyExists, invalidRequest } from '../errors.ts';
import { CURRENT, type Secret } from '../store.ts';
import { fingerprint, operation, valueOf, valueShape } from './operation.ts';

const Parameters = z.object({
  Name: z
    .string()
    .max(512)
    .regex(/^[\w/+=.@-]+$/),
  Description: z.string().optional(),
  KmsKeyId: z.string().optional(),
  Tags: z.array(z.record(z.string(), z.unknown())).optional(),
  ...valueShape,
});

export const createSecret = operation(Parameters, (parameters, store) => {
  const name = parameters.Name;
  const value = valueOf(parameters);
  const versionId = parameters.ClientRequestToken ?? randomUUID();
  const existing = store.named(name);
  if (existing !== undefined) {
    if (existing.deletedMs !== undefined) {
      throw invalidRequest(
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
      );
    }
    const same = existing.versions.get(versionId);
    if (!same || !value || fingerprint(same.value) !== fingerprint(value)) {
      throw alreadyExists(`The operation failed because the secret ${name} already exists.`);
    }
    return { ARN: existing.arn, Name: name, VersionId: versionId };
  }
  const createdMs = store.nowMs;
  const secret: Secret = {
    arn: store.arnOf(name),
    name,
    tags: parameters.Tags ?? [],
    createdMs,
    changedMs: createdMs,
    versions: new Map(),
    ...(parameters.Description === undefined ? {} : { description: parameters.Description }),
    ...(parameters.KmsKeyId === undefined ? {} : { kmsKeyId: parameters.KmsKeyId }),
  };
  store.add(secret);
  if (value === undefined) return { ARN: secret.arn, Name: name };
  secret.versions.set(versionId, {
    id: versionId,
    value,
    stages: new Set([CURRENT]),
    createdMs,
  });
  return { ARN: secret.arn, Name: name, VersionId: versionId };
});
