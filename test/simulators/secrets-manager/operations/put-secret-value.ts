import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { alreadyExists, invalidParameter } from '../errors.ts';
import { CURRENT, moveStage, type Version, versionWith } from '../store.ts';
import { fingerprint, operation, valueOf, valueShape } from './operation.ts';

const Parameters = z.object({
  SecretId: z.string().min(1),
  VersionStages: z.array(z.string()).min(1).max(20).optional(),
  ...valueShape,
});

/** A new version gets the labels asked for, else AWSCURRENT; the first one is always current. */
export const putSecretValue = operation(Parameters, (parameters, store) => {
  const secret = store.findLive(parameters.SecretId);
  const value = valueOf(parameters);
  if (value === undefined) {
    throw invalidParameter('You must provide either SecretString or SecretBinary.');
  }
  const id = parameters.ClientRequestToken ?? randomUUID();
  const existing = secret.versions.get(id);
  if (existing !== undefined && fingerprint(existing.value) !== fingerprint(value)) {
    throw alreadyExists(
      `You can't use ClientRequestToken ${id} because that value is already in use for a version of secret ${secret.arn}.`,
    );
  }
  const version: Version = existing ?? {
    id,
    value,
    stages: new Set(),
    createdMs: store.nowMs,
  };
  if (existing === undefined) {
    secret.versions.set(id, version);
    secret.changedMs = store.nowMs;
    for (const stage of parameters.VersionStages ?? [CURRENT]) moveStage(secret, stage, version);
    if (versionWith(secret, CURRENT) === undefined) version.stages.add(CURRENT);
  }
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: version.id,
    VersionStages: [...version.stages],
  };
});
