import { z } from 'zod';
import { invalidRequest, valueNotFound } from '../errors.ts';
import { CURRENT, type Secret, seconds, type Version, versionWith } from '../store.ts';
import { operation } from './operation.ts';

const Parameters = z.object({
  SecretId: z.string().min(1),
  VersionId: z.string().optional(),
  VersionStage: z.string().optional(),
});

export const getSecretValue = operation(Parameters, (parameters, store) => {
  const secret = store.findLive(parameters.SecretId);
  const version = select(secret, parameters.VersionId, parameters.VersionStage);
  secret.accessedMs = store.nowMs;
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: version.id,
    SecretString: version.value.text,
    SecretBinary: version.value.binary,
    VersionStages: [...version.stages],
    CreatedDate: seconds(version.createdMs),
  };
});

function select(secret: Secret, id: string | undefined, stage: string | undefined): Version {
  if (id === undefined) {
    const label = stage ?? CURRENT;
    const version = versionWith(secret, label);
    if (version === undefined) throw valueNotFound(`staging label: ${label}`);
    return version;
  }
  const version = secret.versions.get(id);
  if (version === undefined) throw valueNotFound(`VersionId: ${id}`);
  if (stage !== undefined && !version.stages.has(stage)) {
    throw invalidRequest(
      'You provided a VersionStage that is not associated to the provided VersionId.',
    );
  }
  return version;
}
