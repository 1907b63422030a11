import { z } from 'zod';
import { seconds } from '../store.ts';
import { operation } from './operation.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Versions without a label are left out, and the time of the last access is cut to the day. */
export const describeSecret = operation(
  z.object({ SecretId: z.string().min(1) }),
  ({ SecretId }, store) => {
    const secret = store.find(SecretId);
    const labelled = [...secret.versions.values()].filter(({ stages }) => stages.size > 0);
    const { accessedMs, deletedMs } = secret;
    return {
      ARN: secret.arn,
      Name: secret.name,
      Description: secret.description,
      KmsKeyId: secret.kmsKeyId,
      Tags: secret.tags,
      CreatedDate: seconds(secret.createdMs),
      LastChangedDate: seconds(secret.changedMs),
      LastAccessedDate:
        accessedMs === undefined ? undefined : seconds(accessedMs - (accessedMs % DAY_MS)),
      DeletedDate: deletedMs === undefined ? undefined : seconds(deletedMs),
      VersionIdsToStages: Object.fromEntries(labelled.map(({ id, stages }) => [id, [...stages]])),
    };
  },
);
