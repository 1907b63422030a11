import { z } from 'zod';
import { invalidParameter, valueNotFound } from '../errors.ts';
import { CURRENT, moveStage, type Secret, type Version, versionWith } from '../store.ts';
import { operation } from './operation.ts';

const Parameters = z.object({
  SecretId: z.string().min(1),
  VersionStage: z.string().min(1),
  MoveToVersionId: z.string().optional(),
  RemoveFromVersionId: z.string().optional(),
});

/** Moves a label to another version, or takes it away. Who has it now has to be named. */
export const updateSecretVersionStage = operation(Parameters, (parameters, store) => {
  const secret = store.findLive(parameters.SecretId);
  const stage = parameters.VersionStage;
  const to = versionById(secret, parameters.MoveToVersionId);
  const from = versionById(secret, parameters.RemoveFromVersionId);
  const holder = versionWith(secret, stage);
  if (from !== undefined && !from.stages.has(stage)) {
    throw invalidParameter(`The staging label ${stage} isn't attached to version ${from.id}.`);
  }
  if (holder !== undefined && from === undefined && holder !== to) {
    throw invalidParameter(
      `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ${holder.id}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
  }
  if (to === undefined && stage === CURRENT) {
    throw invalidParameter(`You can only move staging label ${CURRENT} to a different version.`);
  }
  if (to === undefined) from?.stages.delete(stage);
  else moveStage(secret, stage, to);
  secret.changedMs = store.nowMs;
  return { ARN: secret.arn, Name: secret.name };
});

function versionById(secret: Secret, id: string | undefined): Version | undefined {
  if (id === undefined) return undefined;
  const version = secret.versions.get(id);
  if (version === undefined) throw valueNotFound(`VersionId: ${id}`);
  return version;
}
