import { z } from 'zod';
import { seconds } from '../store.ts';
import { operation } from './operation.ts';

const Parameters = z.object({
  SecretId: z.string().min(1),
  IncludeDeprecated: z.boolean().optional(),
});

/** All on one page. Versions without a label are deprecated and left out unless asked for. */
export const listSecretVersionIds = operation(Parameters, (parameters, store) => {
  const secret = store.find(parameters.SecretId);
  const versions = [...secret.versions.values()].filter(
    ({ stages }) => stages.size > 0 || parameters.IncludeDeprecated,
  );
  return {
    ARN: secret.arn,
    Name: secret.name,
    Versions: versions.map(({ id, stages, createdMs }) => ({
      VersionId: id,
      VersionStages: stages.size === 0 ? undefined : [...stages],
      CreatedDate: seconds(createdMs),
    })),
  };
});
