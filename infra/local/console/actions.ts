import * as z from 'zod';
import { CHANNELS } from '../consent/arguments.ts';
import type { ConsentHubSide } from './consenthub-side.ts';
import type { DynamicsSide } from './dynamics-side.ts';
import type { Action } from './view.ts';

/** Longer than Dynamics takes in any of these columns. */
const MAX_TEXT = 200;
/** A hundred years, in seconds. */
const MAX_EXPIRY_SECONDS = 3_155_760_000;

const text = z.string().trim().max(MAX_TEXT);
const person = { firstName: text, lastName: text, email: text, phone: text };
const id = z.guid();

/** The body of `POST /actions`. */
export const action: z.ZodType<Action> = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('create-contact'), ...person }),
  z.strictObject({ do: z.literal('change-contact'), contactId: id, ...person }),
  z.strictObject({ do: z.enum(['delete-contact', 'restore-contact']), contactId: id }),
  z.strictObject({
    do: z.literal('grant'),
    patientId: id,
    channel: z.enum(CHANNELS),
    expiresAfterSeconds: z.int().min(1).max(MAX_EXPIRY_SECONDS).exactOptional(),
  }),
  z.strictObject({ do: z.literal('revoke'), patientId: id, channel: z.enum(CHANNELS) }),
  z.strictObject({
    do: z.literal('set-dataverse'),
    mode: z.enum(['works', 'down', 'throttled']),
  }),
  z.strictObject({ do: z.literal('revoke-tokens') }),
]);

/**
 * Does what somebody asked for on the page.
 *
 * @throws RefusedByDynamics, CommandError
 */
export async function act(
  request: Action,
  dynamics: DynamicsSide,
  consentHub: Pick<ConsentHubSide, 'grant' | 'revoke'>,
): Promise<void> {
  switch (request.do) {
    case 'create-contact':
      return await dynamics.create(request);
    case 'change-contact':
      return await dynamics.change(request.contactId, request);
    case 'delete-contact':
      return await dynamics.delete(request.contactId);
    case 'restore-contact':
      return await dynamics.restore(request.contactId);
    case 'grant':
      return await consentHub.grant(
        request.patientId,
        request.channel,
        request.expiresAfterSeconds,
      );
    case 'revoke':
      return await consentHub.revoke(request.patientId, request.channel);
    case 'set-dataverse':
      return await dynamics.setMode(request.mode);
    case 'revoke-tokens':
      return await dynamics.revokeTokens();
  }
}
