import { describe, expect, test } from 'vitest';
import {
  FILTERING_ATTRIBUTES,
  MESSAGES,
  SECURE_CONFIG_ID,
  type StepMessage,
  stepName,
} from '../../../infra/dynamics/organization/names.ts';
import type {
  OrganizationState,
  StepState,
} from '../../../infra/dynamics/organization/read-state.ts';
import { filterOfData, planRemoval } from '../../../infra/dynamics/remove/plan.ts';
import { columnDefinition } from '../../../infra/dynamics/setup/column-definition.ts';
import { decideOrganizationRow } from '../../../infra/dynamics/setup/organization-row.ts';
import { planSetup, secureConfigOf, type Wanted } from '../../../infra/dynamics/setup/plan.ts';
import { planAsText } from '../../../infra/dynamics/setup/report.ts';
import { CONTACT_FIELDS } from '../../../shared/dataverse/fields.ts';

const WANTED: Wanted = {
  authentication: 'signature',
  assembly: 'TVqQ',
  assemblyRemedy: 'build it',
  webhook: { url: 'https://api.example.com/api/dynamics/webhook', secret: 'hidden' },
  renewSecret: false,
};
const ROW = { action: 'keep', name: 'Clinic' } as const;

const step = (message: StepMessage): StepState => ({
  id: `step ${message}`,
  name: stepName(message),
  enabled: true,
  stage: 40,
  mode: 1,
  asyncAutoDelete: true,
  filteringAttributes: message === 'Update' ? FILTERING_ATTRIBUTES.toReversed() : [],
  handlerId: 'type',
  secureConfigId: SECURE_CONFIG_ID,
  filterId: `filter ${message}`,
});
const steps = (changes: Partial<StepState> = {}) =>
  new Map(MESSAGES.map((message) => [message, { ...step(message), ...changes }]));

const COMPLETE: OrganizationState = {
  publisher: { id: 'publisher', name: 'consenthub' },
  solution: { id: 'solution', prefix: 'ch', managed: false },
  columns: Object.values(CONTACT_FIELDS).map((field) => ({ field, found: true, faults: [] })),
  changeTracking: true,
  assembly: { id: 'assembly', content: 'TVqQ' },
  pluginType: { id: 'type' },
  endpoint: undefined,
  secureConfig: { text: secureConfigOf(WANTED.webhook) },
  messages: new Map(
    MESSAGES.map((message) => [message, { id: message, filterId: `filter ${message}` }]),
  ),
  steps: steps(),
};

/** What is not kept: part, action and detail. */
function work(state: Partial<OrganizationState>, wanted: Partial<Wanted> = {}) {
  const plan = planSetup({ ...COMPLETE, ...state }, { ...WANTED, ...wanted }, ROW);
  expect(planAsText('Clinic', plan)).not.toContain('hidden');
  return plan
    .filter(({ action, part }) => action !== 'keep' && part !== 'publish')
    .map(({ action, part, detail }) => [part, action, ...(detail === undefined ? [] : [detail])]);
}

describe('the plan of the set-up', () => {
  test('is empty for an organisation that has everything', () => {
    const plan = planSetup(COMPLETE, WANTED, ROW);
    expect(new Set(plan.map(({ action }) => action))).toEqual(new Set(['keep']));
  });

  test.each<[string, Partial<OrganizationState>, unknown[][]]>([
    ['no publisher', { publisher: undefined }, [['publisher', 'create', 'with the prefix ch']]],
    ['no solution', { solution: undefined }, [['solution', 'create', 'unmanaged']]],
    [
      "somebody else's solution",
      { solution: { id: 's', prefix: 'new', managed: false } },
      [['solution', 'stop', expect.stringContaining('prefix new, needs ch')]],
    ],
    [
      'no change tracking',
      { changeTracking: false },
      [['change tracking', 'change', expect.anything()]],
    ],
    ['no assembly', { assembly: undefined }, [['assembly', 'create', expect.anything()]]],
    [
      'another build',
      { assembly: { id: 'assembly', content: 'older' } },
      [['assembly', 'change', 'other content is registered']],
    ],
    [
      'another secret',
      { secureConfig: { text: '{}' } },
      [['secure configuration', 'change', expect.stringContaining('from the environment')]],
    ],
    [
      'a secret that may not be read',
      { secureConfig: { text: undefined } },
      [['secure configuration', 'change', expect.stringContaining('cannot be read')]],
    ],
    ['no recycle bin', { messages: new Map([...COMPLETE.messages].slice(0, 3)) }, []],
    [
      'no message Delete',
      { messages: new Map([...COMPLETE.messages].filter(([name]) => name !== 'Delete')) },
      [['step', 'stop', 'the organisation offers no message Delete']],
    ],
  ])('%s', (_name, state, expected) => {
    expect(work(state)).toEqual(expected);
  });

  test.each<[Partial<StepState>, string]>([
    [{ enabled: false }, 'is disabled'],
    [{ stage: 20 }, 'runs at another stage'],
    [{ mode: 0 }, 'is not asynchronous'],
    [{ asyncAutoDelete: false }, 'keeps its finished system jobs'],
    [{ handlerId: 'other' }, 'sends by another way'],
    [{ secureConfigId: null }, 'has another secure configuration'],
  ])('a step with %j is changed', (changes, detail) => {
    expect(work({ steps: steps(changes) })).toEqual(MESSAGES.map(() => ['step', 'change', detail]));
  });

  test('a step of that name for another table is not touched', () => {
    expect(work({ steps: steps({ filterId: 'of account' }) })[0]).toEqual([
      'step',
      'stop',
      expect.stringContaining('for something else'),
    ]);
  });

  test('a column is made if it is missing, and a stop if it is another one', () => {
    const [first, second, ...others] = COMPLETE.columns;
    const columns = [
      { ...first!, found: false },
      { ...second!, faults: ['has the type String, needs Boolean'] },
      ...others,
    ];
    expect(work({ columns })).toEqual([
      ['column', 'create', 'boolean'],
      ['column', 'stop', expect.stringContaining('has the type String')],
    ]);
    expect(work({ columns, solution: { id: 's', prefix: 'ch', managed: true } })[0]).toEqual([
      'column',
      'stop',
      expect.stringContaining('managed'),
    ]);
  });

  test('without a build a registered assembly is kept, and a missing one is a stop', () => {
    expect(work({}, { assembly: undefined })).toEqual([]);
    expect(work({ assembly: undefined }, { assembly: undefined })).toEqual([
      ['assembly', 'stop', 'build it'],
    ]);
  });

  test('is published again as long as something is left to be made', () => {
    const publishing = (state: Partial<OrganizationState>) =>
      planSetup({ ...COMPLETE, ...state }, WANTED, ROW).find(({ part }) => part === 'publish')
        ?.action;
    expect(publishing({ steps: new Map() })).toBe('change');
    expect(publishing({ changeTracking: false })).toBe('change');
    expect(publishing({ secureConfig: { text: '{}' } })).toBe('keep');
    expect(publishing({})).toBe('keep');
  });

  test('in header mode has an endpoint instead of a plug-in', () => {
    const header = { authentication: 'header' } as const;
    const byEndpoint = steps({ handlerId: 'endpoint', secureConfigId: null });
    const endpoint = { id: 'endpoint', url: WANTED.webhook.url };
    const plain = { assembly: undefined, pluginType: undefined, secureConfig: undefined };
    expect(work({ ...plain, endpoint, steps: byEndpoint }, header)).toEqual([]);
    expect(
      work({ ...plain, endpoint, steps: byEndpoint }, { ...header, renewSecret: true }),
    ).toEqual([['endpoint', 'change', expect.stringContaining('from the environment')]]);
    expect(
      work({ ...plain, steps: new Map() }, header).map(([part, action]) => [part, action]),
    ).toEqual([['endpoint', 'create'], ...MESSAGES.map(() => ['step', 'create'])]);
  });
});

describe("ConsentHub's row", () => {
  const dataverse = { id: 'd1', name: 'Clinic' };
  const row = (id: string, dynamicsOrgId: string | null) => ({ id, name: `N${id}`, dynamicsOrgId });
  test.each([
    [[], undefined, 'create', undefined],
    [[row('1', 'd1'), row('2', null)], undefined, 'keep', undefined],
    [[row('1', null), row('2', 'd2')], undefined, 'change', '1'],
    [[row('1', null), row('2', null)], undefined, 'stop', undefined],
    [[row('1', null), row('2', null)], '2', 'change', '2'],
    [[row('1', 'd2')], undefined, 'stop', undefined],
    [[row('1', 'd2')], '1', 'stop', undefined],
    [[row('1', 'd1')], '2', 'stop', undefined],
    [[], '1', 'stop', undefined],
  ])('%j with --organization %s: %s', (known, requested, action, attachTo) => {
    const decision = decideOrganizationRow(known, dataverse, requested);
    expect([decision.action, decision.attachTo]).toEqual([action, attachTo]);
  });
});

describe('the removal', () => {
  test('goes from the outside in', () => {
    expect(planRemoval(COMPLETE).map(({ path }) => path.split('(')[0])).toEqual([
      ...MESSAGES.map(() => 'sdkmessageprocessingsteps'),
      'sdkmessageprocessingstepsecureconfigs',
      'plugintypes',
      'pluginassemblies',
      ...COMPLETE.columns.map(() => 'EntityDefinitions'),
      'solutions',
    ]);
  });

  test("leaves a column of another type, which was somebody else's", () => {
    const [first, ...others] = COMPLETE.columns;
    const state = {
      ...COMPLETE,
      columns: [{ ...first!, faults: ['has the type String'] }, ...others],
    };
    expect(planRemoval(state).map(({ what }) => what)).not.toContain('column ch_marketing_email');
    expect(filterOfData(state)).not.toContain('ch_marketing_email');
    expect(filterOfData(state)).toMatch(/^ch_marketing_sms eq true or .*ch_last_sync ne null$/);
  });
});

test('texts of a column are in the base language of the organisation', () => {
  expect(JSON.stringify(columnDefinition(CONTACT_FIELDS.consentStatus, 1031))).not.toContain(
    '1033',
  );
  expect(columnDefinition(CONTACT_FIELDS.consentDate, 1031)).toMatchObject({
    SchemaName: 'ch_consent_date',
    Format: 'DateAndTime',
    DateTimeBehavior: { Value: 'UserLocal' },
  });
});
