import type { ConsentFields } from '../../shared/consent/consent-fields.ts';
import { CONTACT_FIELDS } from '../../shared/dataverse/fields.ts';
import type { CommitWatch, SimulatedDatabase } from './database.ts';
import { CONSENT_STATUS_VALUES, type Organization } from './organization.ts';
import type { World } from './world.ts';

interface WrittenRow {
  readonly contact_id: string;
  readonly written: ConsentFields;
}

/** Statements that change what a row says of `written` and its doubt. */
const CHANGES_WRITTEN: ReadonlySet<string> = new Set([
  'claim-contacts',
  'settle-contact',
  'release-contact',
  'end-doubts',
  'apply-contacts',
]);

const CERTAIN = `
  select contact_id, written from dynamics_contacts
  where written is not null and doubt_until is null
  order by contact_id`;

/**
 * What a row without doubt says was written is what Dynamics has, at every moment: nothing would ever
 * be written again where both are thought to agree (docs/protocol.md, "Outbound" 7).
 */
export function createWrittenCheck(
  world: World,
  database: SimulatedDatabase,
  organization: Organization,
): CommitWatch & { afterWrite(): void } {
  let certain: readonly WrittenRow[] = [];

  function check() {
    for (const { contact_id, written } of certain) {
      const contact = organization.contacts.get(contact_id);
      if (contact === undefined) continue;
      for (const [column, value] of Object.entries(columnsOf(written))) {
        // What a user has edited is found by the next read.
        if (contact.columns[column] !== value && !contact.edited.has(column)) {
          world.violation(
            'what is known to be written is in Dynamics',
            `${column} of ${contact.name}`,
          );
          return;
        }
      }
    }
  }

  return {
    async before() {},
    async after(statements) {
      if (!statements.some(({ name }) => CHANGES_WRITTEN.has(name))) return;
      certain = await database.sql<WrittenRow>(CERTAIN);
      check();
    },
    afterWrite: check,
  };
}

const columnsOf = (fields: ConsentFields) => ({
  [CONTACT_FIELDS.marketingEmail.logicalName]: fields.marketingEmail,
  [CONTACT_FIELDS.marketingSms.logicalName]: fields.marketingSms,
  [CONTACT_FIELDS.consentDate.logicalName]: fields.consentDate,
  [CONTACT_FIELDS.consentExpires.logicalName]: fields.consentExpires,
  [CONTACT_FIELDS.consentStatus.logicalName]: CONSENT_STATUS_VALUES[fields.consentStatus],
});
