import * as fc from 'fast-check';
import { personal } from './personal-data.ts';

/** What Dataverse tells of, however it is written down. */
export interface Occurrence {
  readonly messageName: string;
  readonly entityName: string;
  readonly entityId: string;
  readonly organizationId: string;
  readonly operationId: string;
  /** Absent or null in some bodies. */
  readonly correlationId: string | null | undefined;
  readonly stepId: string | null;
  readonly depth: number | null | undefined;
  /** `SharedVariables` of the event itself, in turns. */
  readonly variables: readonly { readonly key: string; readonly value: unknown }[];
  readonly person: { readonly name: string; readonly email: string };
}

/** How it is written down: the variants of docs and captured traffic. */
interface Writing {
  readonly guids: 'bare' | 'wrapped';
  readonly upperCase: boolean;
  readonly dates: 'plain' | 'offset' | 'wrapped';
  /** Above 256 KB four collections are left out. */
  readonly stripped: boolean;
  /** Events around this one, outermost last; each carries our tag. */
  readonly parents: number;
  readonly images: boolean;
  readonly reversed: boolean;
  readonly slashes: 'escaped' | 'plain';
  readonly ascii: boolean;
  readonly indent: 0 | 2;
  /** Fields that no documentation names. */
  readonly further: Readonly<Record<string, unknown>>;
}

const CONTRACT = 'http://schemas.microsoft.com/xrm/2011/Contracts';
const STRIPPED = new Set([
  'ParentContext',
  'InputParameters',
  'PreEntityImages',
  'PostEntityImages',
]);

/** The messages of a contact that become an event, with its type. */
export const EVENT_TYPES = {
  Create: 'contact.created',
  Update: 'contact.updated',
  Delete: 'contact.deleted',
  Restore: 'contact.created',
  Merge: 'contact.updated',
} as const;

const guid = fc.uuid();

const variable = fc.record({
  key: fc.constantFrom('tag', 'Tag', 'other', '__proto__'),
  value: fc.oneof(fc.constantFrom('consenthub', 'Consenthub', '', 'import'), fc.jsonValue()),
});

/** A change of a contact. */
export const occurrence: fc.Arbitrary<Occurrence> = fc.record({
  messageName: fc.constantFrom(...Object.keys(EVENT_TYPES)),
  entityName: fc.constant('contact'),
  entityId: guid,
  organizationId: guid,
  operationId: guid,
  correlationId: fc.oneof(
    { arbitrary: guid, weight: 4 },
    { arbitrary: fc.constantFrom(null, undefined), weight: 1 },
  ),
  stepId: fc.option(guid),
  depth: fc.constantFrom(1, 1, 2, 8, 0, null, undefined),
  variables: fc.array(variable, { maxLength: 3 }),
  person: fc.record({ name: personal, email: personal }),
});

/** A message or an entity that concerns nobody here. */
export const foreignOccurrence: fc.Arbitrary<Occurrence> = fc
  .tuple(
    occurrence,
    fc.constantFrom(
      { messageName: 'Assign' },
      { messageName: 'SetState' },
      { messageName: 'constructor' },
      { messageName: '__proto__' },
      { messageName: 'create' },
      { entityName: 'account' },
      { entityName: 'Contact' },
      { entityName: 'toString' },
    ),
  )
  .map(([event, other]) => ({ ...event, ...other }));

export const writing: fc.Arbitrary<Writing> = fc.record({
  guids: fc.constantFrom('bare', 'wrapped'),
  upperCase: fc.boolean(),
  dates: fc.constantFrom('plain', 'offset', 'wrapped'),
  stripped: fc.boolean(),
  parents: fc.constantFrom(0, 0, 1, 3),
  images: fc.boolean(),
  reversed: fc.boolean(),
  slashes: fc.constantFrom('escaped', 'plain'),
  ascii: fc.boolean(),
  indent: fc.constantFrom(0, 2),
  further: fc.dictionary(
    fc.string({ maxLength: 8 }).map((name) => `further ${name}`),
    fc.oneof(fc.jsonValue({ maxDepth: 2 }), personal),
    { maxKeys: 3 },
  ),
});

/** Is it a write of our own that comes back? Only what has our tag as its first one, at depth 1. */
export function isOwnWrite({ variables, depth }: Occurrence): boolean {
  return depth === 1 && variables.find(({ key }) => key === 'tag')?.value === 'consenthub';
}

/** The names of a context's fields. */
export const CONTEXT_FIELDS: readonly string[] = [
  'MessageName',
  'PrimaryEntityName',
  'PrimaryEntityId',
  'OrganizationId',
  'OperationId',
  'CorrelationId',
  'OwningExtension',
  'Depth',
  'SharedVariables',
  'InputParameters',
  'ParentContext',
];

/** The body of a webhook, as .NET's serialiser may write it. */
export function written(event: Occurrence, how: Writing): Buffer {
  const fields = Object.entries(contextOf(event, how)).filter(
    ([name]) => !(how.stripped && STRIPPED.has(name)),
  );
  const ordered = how.reversed ? fields.toReversed() : fields;
  let text = JSON.stringify(Object.fromEntries(ordered), null, how.indent);
  if (how.slashes === 'escaped') text = text.replaceAll('/', String.raw`\/`);
  if (how.ascii) text = text.replaceAll(/[\u007f-\uffff]/g, escaped);
  return Buffer.from(text);
}

function contextOf(event: Occurrence, how: Writing): Record<string, unknown> {
  const id = (text: string | null | undefined) => text && idAs(text, how);
  return {
    ...how.further,
    BusinessUnitId: id(event.organizationId),
    CorrelationId: id(event.correlationId),
    Depth: event.depth,
    InputParameters: [{ key: 'Target', value: targetOf(event, how) }],
    IsExecutingOffline: false,
    MessageName: event.messageName,
    Mode: 1,
    OperationCreatedOn: dateAs(1_506_409_448_000, how),
    OperationId: id(event.operationId),
    OrganizationId: id(event.organizationId),
    OrganizationName: event.person.name,
    OutputParameters: [{ key: 'id', value: id(event.entityId) }],
    OwningExtension:
      event.stepId === null
        ? null
        : {
            Id: id(event.stepId),
            KeyAttributes: [],
            LogicalName: 'sdkmessageprocessingstep',
            Name: event.person.name,
          },
    ParentContext: how.parents === 0 ? null : parentOf(event, how),
    PostEntityImages: how.images ? [{ key: 'image', value: targetOf(event, how) }] : [],
    PreEntityImages: [],
    PrimaryEntityId: id(event.entityId),
    PrimaryEntityName: event.entityName,
    RequestId: id(event.operationId),
    SecondaryEntityName: 'none',
    SharedVariables: event.variables,
    Stage: 40,
    UserId: id(event.organizationId),
  };
}

/** The event that this one happened in: it shares the ids of the request, and our tag is its own. */
function parentOf(event: Occurrence, how: Writing): Record<string, unknown> {
  const outer = {
    ...event,
    messageName: 'Assign',
    entityId: event.operationId,
    stepId: null,
    depth: 1,
    variables: [{ key: 'tag', value: 'consenthub' }],
  };
  return contextOf(outer, { ...how, parents: how.parents - 1 });
}

function targetOf({ messageName, entityName, entityId, person }: Occurrence, how: Writing) {
  const row = { Id: idAs(entityId, how), KeyAttributes: [], LogicalName: entityName };
  if (messageName === 'Delete') {
    return { __type: `EntityReference:${CONTRACT}`, ...row, Name: person.name };
  }
  return {
    __type: `Entity:${CONTRACT}`,
    ...row,
    Attributes: [
      { key: 'firstname', value: person.name },
      { key: 'emailaddress1', value: person.email },
      { key: 'statecode', value: { __type: `OptionSetValue:${CONTRACT}`, Value: 0 } },
      { key: 'createdon', value: dateAs(1_506_384_247_000, how) },
      { key: 'telephone1', value: null },
    ],
    EntityState: null,
    FormattedValues: [{ key: 'fullname', value: person.name }],
    RelatedEntities: [],
    RowVersion: null,
  };
}

function idAs(text: string, { guids, upperCase }: Writing) {
  const cased = upperCase ? text.toUpperCase() : text;
  return guids === 'bare' ? cased : { __type: 'Guid:#System', __value: cased };
}

function dateAs(ms: number, { dates }: Writing) {
  switch (dates) {
    case 'plain':
      return `/Date(${ms})/`;
    case 'offset':
      return `/Date(${ms}-0700)/`;
    case 'wrapped':
      return { __type: 'DateTime:#System', __value: `/Date(${ms})/` };
  }
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
