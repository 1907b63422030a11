import { guidFrom } from '../../entra/random.ts';
import {
  FILTERING_ATTRIBUTES,
  SECURE_CONFIG_ID,
} from '../../../../infra/dynamics/organization/names.ts';
import type { SystemRows } from './system-rows.ts';
import type { Table } from './table.ts';

/** The secure configuration that an organisation begins with: an address where nobody is. */
export const SEEDED_SECURE_CONFIG =
  '{"url":"https://example.invalid/api/dynamics/webhook","secret":"of the simulator"}';

/** The messages of the contact table that steps can be registered for. */
const messages = ['Create', 'Update', 'Delete', 'Restore', 'Merge', 'UpdateMultiple'];

/** The messages that the signing plug-in is registered for in an organisation that was set up. */
const signedMessages = ['Create', 'Update', 'Delete', 'Restore'];

/**
 * Fills a new organisation: the platform's messages and its default publisher; and, unless the
 * prefix is null, what a set-up leaves: publisher, solution, and the asynchronous steps of the plug-in
 * that signs webhooks. All ids follow from the organisation's.
 */
export function seedSystemRows(
  rows: SystemRows,
  contactTable: Table,
  organizationId: string,
  optionValuePrefix: number | null,
): void {
  const id = (name: string) => guidFrom(`${organizationId} ${name}`);
  rows.of('publishers').create({
    publisherid: id('default publisher'),
    uniquename: 'DefaultPublisher',
    friendlyname: 'Default Publisher',
    customizationprefix: 'new',
    customizationoptionvalueprefix: 10_000,
  });
  rows.of('solutions').create({
    solutionid: id('default solution'),
    uniquename: 'Default',
    friendlyname: 'Default Solution',
    version: '1.0',
    _publisherid_value: id('default publisher'),
  });
  for (const name of messages) {
    rows.of('sdkmessages').create({ sdkmessageid: id(`message ${name}`), name });
    rows.of('sdkmessagefilters').create({
      sdkmessagefilterid: id(`filter ${name}`),
      primaryobjecttypecode: contactTable.logicalName,
      secondaryobjecttypecode: 'none',
      _sdkmessageid_value: id(`message ${name}`),
    });
  }
  if (optionValuePrefix === null) return;

  rows.of('publishers').create({
    publisherid: id('publisher'),
    uniquename: 'consenthub',
    friendlyname: 'ConsentHub',
    customizationprefix: 'ch',
    customizationoptionvalueprefix: optionValuePrefix,
  });
  rows.of('solutions').create({
    solutionid: id('solution'),
    uniquename: 'ConsentHubDynamics',
    friendlyname: 'ConsentHub for Dynamics 365',
    version: '1.0.0.0',
    _publisherid_value: id('publisher'),
  });
  rows.of('pluginassemblies').create({
    pluginassemblyid: id('assembly'),
    name: 'ConsentHub.Dynamics',
    version: '1.0.0.0',
  });
  rows.of('plugintypes').create({
    plugintypeid: id('plug-in'),
    typename: 'ConsentHub.Dynamics.SendWebhook',
    friendlyname: 'Signed webhook',
    _pluginassemblyid_value: id('assembly'),
  });
  rows.of('sdkmessageprocessingstepsecureconfigs').create({
    sdkmessageprocessingstepsecureconfigid: SECURE_CONFIG_ID,
    secureconfig: SEEDED_SECURE_CONFIG,
  });
  for (const name of signedMessages) {
    rows.of('sdkmessageprocessingsteps').create({
      sdkmessageprocessingstepid: id(`step ${name}`),
      name: `ConsentHub: ${name} of contact`,
      stage: 40,
      mode: 1,
      asyncautodelete: true,
      filteringattributes: name === 'Update' ? FILTERING_ATTRIBUTES.join(',') : null,
      _sdkmessageid_value: id(`message ${name}`),
      _sdkmessagefilterid_value: id(`filter ${name}`),
      _eventhandler_value: id('plug-in'),
      _plugintypeid_value: id('plug-in'),
      _sdkmessageprocessingstepsecureconfigid_value: SECURE_CONFIG_ID,
    });
  }
}

/** The attribute's own name; `_…_value` exists in the Web API only. */
export function attributeName(column: string): string {
  return column.replace(/^_(.+)_value$/, '$1');
}
