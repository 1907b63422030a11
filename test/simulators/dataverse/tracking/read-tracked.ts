import { entityOf } from '../entity.ts';
import type { Answer } from '../../entra/answer.ts';
import { badQuery, DataverseError } from '../errors.ts';
import { jsonAnswer, selectedColumns, type WebApiRequest } from '../operation.ts';
import type { Organization } from '../organization.ts';
import { requireOrganizationRead } from '../privileges.ts';
import { compareKeys, type OrderKey } from '../query/order.ts';
import {
  cutPage,
  linkTo,
  MAX_PAGE_SIZE,
  nextLink,
  type Placed,
  preferredPageSize,
  readSkipToken,
} from '../query/page.ts';
import { formatDeltaToken, readDeltaToken } from './delta-token.ts';

/**
 * Reads contacts with change tracking (use-change-tracking-synchronize-data-external-systems.md): all
 * of them with `Prefer: odata.track-changes`, or with `$deltatoken` what changed since, the deleted
 * ones last. The last page has the link to what comes after the FIRST page was read, so that nothing
 * that changed in between is lost.
 *
 * Inferred: a contact that was deleted and restored is in the answer twice, changed and deleted; a
 * token from before the organisation was set back to a backup finds nothing.
 */
export function readTracked(request: WebApiRequest, organization: Organization): Answer {
  refuseOptions(request);
  requireTracking(organization);
  const { table } = organization.contactTable;
  const columns = selectedColumns(request, table);
  const address = `${organization.webApiUrl}/${table.setName}`;
  const token = request.query.get('$deltatoken');
  const from = readSkipToken(request);
  const trackedFrom = from?.trackedFrom ?? organization.versions.current().toString();
  const since = token === null ? undefined : readDeltaToken(token, organization);
  const entries =
    since === undefined
      ? allEntries(organization, columns)
      : changedEntries(organization, columns, since, BigInt(trackedFrom));
  const { items, next } = cutPage(entries, compareKeys, {
    from,
    size: preferredPageSize(request) ?? MAX_PAGE_SIZE,
    trackedFrom,
  });
  const links = next
    ? { '@odata.nextLink': nextLink(request, address, next) }
    : {
        '@odata.deltaLink': linkTo(request, address, {
          $skiptoken: undefined,
          $deltatoken: formatDeltaToken(BigInt(trackedFrom), organization.now()),
        }),
      };
  const delta = since === undefined ? '' : '/$delta';
  const answer = jsonAnswer({
    '@odata.context': `${organization.webApiUrl}/$metadata#contacts(${columns.join(',')})${delta}`,
    ...links,
    // Only what is on the page is made: there can be hundreds of thousands of contacts.
    value: items.map((make) => make()),
  });
  const applied = { 'preference-applied': 'odata.track-changes' };
  return since === undefined ? { ...answer, headers: { ...answer.headers, ...applied } } : answer;
}

/** How many rows and deletions there are since a token. */
export function countChanges(token: string, organization: Organization): number {
  requireTracking(organization);
  const since = readDeltaToken(token, organization);
  return changedEntries(organization, [], since, organization.versions.current()).length;
}

function refuseOptions({ query }: WebApiRequest): void {
  for (const name of ['$filter', '$orderby', '$expand', '$top']) {
    if (!query.has(name)) continue;
    throw badQuery(
      `The "${name}" query parameter isn't supported when Change Tracking is enabled.`,
    );
  }
}

/** 400 while the table does not track changes (undocumented, so without a code); 403 without the privilege. */
function requireTracking(organization: Organization): void {
  requireOrganizationRead(organization);
  if (organization.contactTable.changeTrackingEnabled()) return;
  throw new DataverseError(400, '', 'Change tracking is not enabled for the entity contact.');
}

function allEntries(
  organization: Organization,
  columns: readonly string[],
): Placed<() => object>[] {
  const { table } = organization.contactTable;
  return organization.contacts
    .all()
    .map((contact) => ({ item: () => entityOf(contact, table, columns), key: [contact.id] }));
}

function changedEntries(
  organization: Organization,
  columns: readonly string[],
  since: bigint,
  until: bigint,
): Placed<() => object>[] {
  const { table } = organization.contactTable;
  const within = ({ version }: { version: bigint }) => version > since && version <= until;
  const rows = organization.contacts.all().filter(within);
  const deletions = organization.contacts.deletions().filter(within);
  return [
    ...rows.map((row) => ({
      item: () => entityOf(row, table, columns),
      key: placeOf(false, row.version),
    })),
    ...deletions.map(({ id, version }) => ({
      item: () => ({
        '@odata.context': `${organization.webApiUrl}/$metadata#contacts/$deletedEntity`,
        id,
        reason: 'deleted',
      }),
      key: placeOf(true, version),
    })),
  ];
}

function placeOf(deleted: boolean, version: bigint): OrderKey {
  return [deleted, { bigint: version.toString() }];
}
