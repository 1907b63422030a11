import { CONTACT_FIELDS } from '../../../shared/dataverse/fields.ts';

/** What the set-up makes in an organisation, under the names by which it finds it again. */

/** Publisher: its prefix begins the names of the columns. */
export const PREFIX = 'ch';
export const PUBLISHER = {
  uniquename: 'consenthub',
  friendlyname: 'ConsentHub',
  customizationprefix: PREFIX,
  /** Begins the values of options; any of 10,000 to 99,999. */
  customizationoptionvalueprefix: 72_700,
};

export const SOLUTION = {
  uniquename: 'ConsentHubDynamics',
  friendlyname: 'ConsentHub for Dynamics 365',
  version: '1.0.0.0',
};

export const ASSEMBLY_NAME = 'ConsentHub.Dynamics';
export const PLUGIN_TYPE = 'ConsentHub.Dynamics.SendWebhook';
export const ENDPOINT_NAME = 'ConsentHub webhook';

/** The header that carries the secret where a plug-in may not be installed. */
export const SECRET_HEADER = 'X-Dynamics-Webhook-Secret';

/** The one secure configuration that all steps share: made by its id, so a second try makes no second one. */
export const SECURE_CONFIG_ID = '6c0a9f4e-3d52-4b8e-9a41-c0de5ec0f1a7';

/** Messages of the contact that steps are registered for. */
export const NEEDED_MESSAGES = ['Create', 'Update', 'Delete'] as const;
/** Only organisations with a recycle bin have it; a restored contact fires nothing else. */
export const OPTIONAL_MESSAGES = ['Restore'] as const;
export const MESSAGES = [...NEEDED_MESSAGES, ...OPTIONAL_MESSAGES];
export type StepMessage = (typeof MESSAGES)[number];

/** The test of the connection knows our steps by how their names begin. */
export const stepName = (message: StepMessage): string => `ConsentHub: ${message} of contact`;

/** The columns that ConsentHub mirrors: a step that does not hear of them is no good. */
export const MIRRORED_ATTRIBUTES: readonly string[] = [
  'firstname',
  'lastname',
  'emailaddress1',
  'telephone1',
  'statecode',
];

/**
 * Changes that ConsentHub has to know of: what it mirrors, and its own fields, which users of Dynamics
 * may edit. Our own writes carry a tag, and the webhook ignores them. `ch_last_sync` says nothing.
 */
export const FILTERING_ATTRIBUTES: readonly string[] = [
  ...MIRRORED_ATTRIBUTES,
  ...Object.values(CONTACT_FIELDS)
    .map(({ logicalName }) => logicalName)
    .filter((name) => name !== CONTACT_FIELDS.lastSync.logicalName),
];
