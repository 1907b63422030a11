import type { Column, Navigation, Table } from './table.ts';

/*
 * Of each system table the columns that a set-up tool writes or reads, under their names in the
 * table reference (reference/entities/*.md).
 */

const text = (name: string, maxLength?: number): Column => ({
  name,
  type: 'string',
  ...(maxLength !== undefined && { maxLength }),
});
const integer = (name: string, preset?: number): Column => ({
  name,
  type: 'integer',
  ...(preset !== undefined && { default: preset }),
});
const yesOrNo = (name: string, preset = false): Column => ({
  name,
  type: 'boolean',
  default: preset,
});
const lookup = (name: string, ...navigations: Navigation[]): Column => ({
  name: `_${name}_value`,
  type: 'guid',
  lookup: navigations,
});
const to = (property: string, set: string): Navigation => ({ property, set });

function table(logicalName: string, columns: readonly Column[]): Table {
  const primaryKey = `${logicalName}id`;
  const all: readonly Column[] = [
    { name: primaryKey, type: 'guid' },
    ...columns,
    { name: 'createdon', type: 'datetime', readOnly: true },
    { name: 'modifiedon', type: 'datetime', readOnly: true },
    { name: 'versionnumber', type: 'bigint', readOnly: true },
  ];
  return {
    logicalName,
    setName: `${logicalName}s`,
    primaryKey,
    columns: new Map(all.map((column) => [column.name, column])),
  };
}

/** Who stands behind custom columns and the values of their options. */
const publisher = table('publisher', [
  text('uniquename', 256),
  text('friendlyname', 256),
  text('description', 2000),
  text('customizationprefix', 8),
  integer('customizationoptionvalueprefix'),
  yesOrNo('isreadonly'),
]);

const solution = table('solution', [
  text('uniquename', 65),
  text('friendlyname', 256),
  text('description', 2000),
  text('version', 256),
  yesOrNo('ismanaged'),
  lookup('publisherid', to('publisherid', 'publishers')),
]);

const pluginAssembly = table('pluginassembly', [
  text('name', 256),
  text('version', 48),
  text('culture', 32),
  text('publickeytoken', 32),
  text('description', 256),
  text('content'),
  integer('sourcetype', 0),
  integer('isolationmode', 2),
]);

const pluginType = table('plugintype', [
  text('name', 256),
  text('typename', 256),
  text('friendlyname', 256),
  text('description', 256),
  lookup('pluginassemblyid', to('pluginassemblyid', 'pluginassemblies')),
]);

const serviceEndpoint = table('serviceendpoint', [
  text('name', 160),
  text('description', 500),
  integer('contract'),
  integer('authtype'),
  text('url', 500),
  { name: 'authvalue', type: 'string', maxLength: 2000, writeOnly: true },
  integer('connectionmode', 1),
  integer('messageformat', 2),
]);

const sdkMessage = table('sdkmessage', [text('name', 256)]);

const sdkMessageFilter = table('sdkmessagefilter', [
  text('primaryobjecttypecode'),
  text('secondaryobjecttypecode'),
  yesOrNo('iscustomprocessingstepallowed', true),
  lookup('sdkmessageid', to('sdkmessageid', 'sdkmessages')),
]);

const step = table('sdkmessageprocessingstep', [
  text('name', 256),
  text('description', 256),
  integer('stage', 40),
  integer('mode', 0),
  integer('rank', 1),
  integer('supporteddeployment', 0),
  yesOrNo('asyncautodelete'),
  text('filteringattributes', 100_000),
  text('configuration', 1_073_741_823),
  integer('statecode', 0),
  integer('statuscode', 1),
  lookup('sdkmessageid', to('sdkmessageid', 'sdkmessages')),
  lookup('sdkmessagefilterid', to('sdkmessagefilterid', 'sdkmessagefilters')),
  lookup(
    'eventhandler',
    to('eventhandler_serviceendpoint', 'serviceendpoints'),
    to('eventhandler_plugintype', 'plugintypes'),
  ),
  // The older name for a plug-in's step, which tools still write.
  lookup('plugintypeid', to('plugintypeid', 'plugintypes')),
  lookup(
    'sdkmessageprocessingstepsecureconfigid',
    to('sdkmessageprocessingstepsecureconfigid', 'sdkmessageprocessingstepsecureconfigs'),
  ),
]);

const stepImage = table('sdkmessageprocessingstepimage', [
  text('name', 256),
  text('entityalias', 256),
  text('messagepropertyname', 256),
  text('attributes', 100_000),
  integer('imagetype'),
  lookup(
    'sdkmessageprocessingstepid',
    to('sdkmessageprocessingstepid', 'sdkmessageprocessingsteps'),
  ),
]);

/** Only an administrator reads the secure configuration; here, everybody who may customise. */
const stepSecureConfig = table('sdkmessageprocessingstepsecureconfig', [
  text('secureconfig', 1_073_741_823),
]);

const asyncOperation = table('asyncoperation', [
  text('name', 256),
  text('messagename', 160),
  text('message'),
  text('friendlymessage'),
  integer('errorcode'),
  integer('operationtype'),
  integer('retrycount'),
  integer('statecode'),
  integer('statuscode'),
  { name: 'startedon', type: 'datetime' },
  { name: 'completedon', type: 'datetime' },
  lookup('owningextensionid', to('owningextensionid', 'sdkmessageprocessingsteps')),
  lookup('regardingobjectid', to('regardingobjectid_contact', 'contacts')),
]);

/** System tables; the plural of an assembly is the only irregular one. */
export const systemTables: readonly Table[] = [
  publisher,
  solution,
  { ...pluginAssembly, setName: 'pluginassemblies' },
  pluginType,
  serviceEndpoint,
  sdkMessage,
  sdkMessageFilter,
  step,
  stepImage,
  stepSecureConfig,
  asyncOperation,
];

/** These belong to the platform: a tool reads them (and clears system jobs), and writes none. */
export const platformSets: ReadonlySet<string> = new Set([
  'sdkmessages',
  'sdkmessagefilters',
  'asyncoperations',
]);
