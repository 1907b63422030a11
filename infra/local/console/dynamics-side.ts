import * as z from 'zod';
import type { Channel, ContactView, DataverseMode, PersonFields, StateView } from './view.ts';

/** The simulated Dynamics, as its user and as bad weather. */
export interface DynamicsSide {
  /** @throws while it does not answer */
  read(): Promise<NonNullable<StateView['dynamics']>>;
  create(person: PersonFields): Promise<void>;
  change(contactId: string, person: PersonFields): Promise<void>;
  delete(contactId: string): Promise<void>;
  restore(contactId: string): Promise<void>;
  setMode(mode: Exclude<DataverseMode, 'other'>): Promise<void>;
  /** Every token that Entra ID has issued is refused from now on. */
  revokeTokens(): Promise<void>;
}

/** The simulated Dynamics refused what was asked of it; the message is its own. */
export class RefusedByDynamics extends Error {
  override readonly name = 'RefusedByDynamics';
}

const MAX_SHOWN = 20;
const TIMEOUT_MS = 5000;
/** As long as a pause has to be to set off the alarm about it. */
const RETRY_AFTER_SECONDS = 60;

const FAULTS = {
  works: undefined,
  down: { mode: 'unavailable', retryAfterSeconds: RETRY_AFTER_SECONDS },
  throttled: { mode: 'throttled', retryAfterSeconds: RETRY_AFTER_SECONDS },
} as const;

const text = z.string().nullish();
const flag = z.boolean().nullish();
const contact = z.object({
  contactid: z.string(),
  createdon: z.string(),
  firstname: text,
  lastname: text,
  emailaddress1: text,
  telephone1: text,
  ch_marketing_email: flag,
  ch_marketing_sms: flag,
  ch_marketing_phone: flag,
  ch_marketing_mail: flag,
  ch_consent_expires: text,
});
const contacts = z.object({ contacts: z.array(contact), recycleBin: z.array(contact) });
const faults = z.object({ faults: z.array(z.object({ mode: z.string() })) });
const refused = z.object({ error: z.object({ message: z.string() }) });

/**
 * @param controlUrl of the simulated Dataverse
 * @param entraControlUrl of the simulated Entra ID
 */
export function dynamicsSide(controlUrl: string, entraControlUrl: string): DynamicsSide {
  async function ask(url: string, method = 'GET', body?: object): Promise<unknown> {
    const response = await fetch(url, {
      method,
      ...(body && { body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answered = await response.text();
    const json: unknown = answered === '' ? undefined : JSON.parse(answered);
    if (response.ok) return json;
    const said = refused.safeParse(json);
    throw new RefusedByDynamics(said.data?.error.message ?? `It answered ${response.status}.`);
  }
  const pathOf = (contactId: string): string =>
    `${controlUrl}/contacts/${encodeURIComponent(contactId)}`;

  return {
    async read() {
      const [listed, switched] = await Promise.all([
        ask(`${controlUrl}/contacts`).then((json) => contacts.parse(json)),
        ask(`${controlUrl}/faults`).then((json) => faults.parse(json)),
      ]);
      const all = [
        ...listed.contacts.map((row) => viewOf(row, false)),
        ...listed.recycleBin.map((row) => viewOf(row, true)),
      ].toSorted((left, right) => (left.createdOn < right.createdOn ? 1 : -1));
      return {
        mode: modeOf(switched.faults.map(({ mode }) => mode)),
        contacts: {
          shown: all.slice(0, MAX_SHOWN).map(({ view }) => view),
          total: all.length,
        },
      };
    },
    async create(person) {
      await ask(`${controlUrl}/contacts`, 'POST', columnsOf(person));
    },
    async change(contactId, person) {
      await ask(pathOf(contactId), 'PATCH', columnsOf(person));
    },
    async delete(contactId) {
      await ask(pathOf(contactId), 'DELETE');
    },
    async restore(contactId) {
      await ask(`${pathOf(contactId)}/restore`, 'POST');
    },
    async setMode(mode) {
      const fault = FAULTS[mode];
      await ask(`${controlUrl}/faults`, fault === undefined ? 'DELETE' : 'PUT', fault);
    },
    async revokeTokens() {
      await ask(`${entraControlUrl}/tokens/revoke`, 'POST', {});
    },
  };
}

/** An empty field is cleared. */
function columnsOf({ firstName, lastName, email, phone }: PersonFields): object {
  return {
    firstname: firstName || null,
    lastname: lastName || null,
    emailaddress1: email || null,
    telephone1: phone || null,
  };
}

function viewOf(
  row: z.output<typeof contact>,
  deleted: boolean,
): { readonly createdOn: string; readonly view: ContactView } {
  const channels: readonly [Channel, boolean | null | undefined][] = [
    ['email', row.ch_marketing_email],
    ['sms', row.ch_marketing_sms],
    ['phone', row.ch_marketing_phone],
    ['mail', row.ch_marketing_mail],
  ];
  const view = {
    contactId: row.contactid,
    firstName: row.firstname ?? '',
    lastName: row.lastname ?? '',
    email: row.emailaddress1 ?? '',
    phone: row.telephone1 ?? '',
    channels: channels.filter(([, on]) => on === true).map(([channel]) => channel),
    consentExpires: row.ch_consent_expires ?? null,
    deleted,
  };
  return { createdOn: row.createdon, view };
}

function modeOf(modes: readonly string[]): DataverseMode {
  const [mode = 'none', ...others] = modes;
  if (others.length > 0) return 'other';
  if (mode === 'none') return 'works';
  if (mode === FAULTS.down.mode) return 'down';
  return mode === FAULTS.throttled.mode ? 'throttled' : 'other';
}
