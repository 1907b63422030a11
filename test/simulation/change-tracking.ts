import type { Contact, Organization } from './organization.ts';

interface Entry {
  /** What the entries of an answer are ordered by. */
  readonly place: string;
  readonly contact: Contact | undefined;
  readonly text: string;
}

/** A page that is asked for with change tracking; undefined: its link is refused. */
export interface TrackedPage {
  /** Contacts that it shows. */
  readonly contacts: readonly Contact[];
  readonly body: string;
}

/** Reads with change tracking, as the simulated Dataverse of the integration tests does. */
export function readTracked(
  organization: Organization,
  url: URL,
  pageSize: number,
  rowOf: (contact: Contact) => string,
): TrackedPage | undefined {
  const delta = url.searchParams.get('$deltatoken');
  const since = delta === null ? undefined : BigInt(delta);
  if (since !== undefined && since < organization.linksFrom()) return undefined;
  const [from, after = ''] = url.searchParams.get('$skiptoken')?.split(' ') ?? [];
  const until = from === undefined ? organization.currentVersion() : BigInt(from);
  const rest = entriesOf(organization, since, until, rowOf).filter(({ place }) => place > after);
  const page = rest.slice(0, pageSize);
  const next = new URL(url);
  if (rest.length > page.length) {
    next.searchParams.set('$skiptoken', `${until} ${page.at(-1)?.place}`);
  } else {
    next.searchParams.delete('$skiptoken');
    next.searchParams.set('$deltatoken', String(until));
  }
  const link = rest.length > page.length ? '@odata.nextLink' : '@odata.deltaLink';
  return {
    contacts: page.flatMap(({ contact }) => contact ?? []),
    body: `{"${link}":${JSON.stringify(next.href)},"value":[${page.map(({ text }) => text).join()}]}`,
  };
}

function entriesOf(
  { contacts, deletions }: Organization,
  since: bigint | undefined,
  until: bigint,
  rowOf: (contact: Contact) => string,
): readonly Entry[] {
  const alive = [...contacts.values()].filter((contact) => contact.alive);
  const rows = (all: readonly Contact[], placeOf: (contact: Contact) => string) =>
    all.map((contact) => ({ place: placeOf(contact), contact, text: rowOf(contact) }));
  const entries: Entry[] =
    since === undefined
      ? rows(alive, ({ id }) => id)
      : [
          ...rows(
            alive.filter(({ version }) => version > since && version <= until),
            ({ version }) => `changed:${version}`,
          ),
          ...deletions
            .filter(({ version }) => version > since && version <= until)
            .map(({ id, version }) => ({
              place: `deleted:${version}`,
              contact: undefined,
              text: JSON.stringify({ id, reason: 'deleted' }),
            })),
        ];
  return entries.toSorted((a, b) => (a.place < b.place ? -1 : 1));
}
