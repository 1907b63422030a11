import { z } from 'zod';
import { invalidParameter } from '../errors.ts';
import { seconds } from '../store.ts';
import { operation } from './operation.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const DEFAULT_WINDOW_DAYS = 30;

const Parameters = z.object({
  SecretId: z.string().min(1),
  RecoveryWindowInDays: z.number().int().min(7).max(30).optional(),
  ForceDeleteWithoutRecovery: z.boolean().optional(),
});

/** Marks a secret for deletion after the window, or removes it at once. */
export const deleteSecret = operation(Parameters, (parameters, store) => {
  const { RecoveryWindowInDays: windowDays, ForceDeleteWithoutRecovery: force } = parameters;
  if (force === true && windowDays !== undefined) {
    throw invalidParameter(
      "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
    );
  }
  const nowMs = store.nowMs;
  const secret =
    force === true ? store.find(parameters.SecretId) : store.findLive(parameters.SecretId);
  if (force === true) store.remove(secret);
  secret.deletedMs = nowMs;
  const delayMs = force === true ? 0 : (windowDays ?? DEFAULT_WINDOW_DAYS) * DAY_MS;
  return { ARN: secret.arn, Name: secret.name, DeletionDate: seconds(nowMs + delayMs) };
});
