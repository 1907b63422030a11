import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { createDatabase } from '../../../shared/database/database.ts';
import { DataverseError } from '../../../shared/dataverse/errors.ts';
import { guid } from '../../../shared/dataverse/guid.ts';
import { problemOf } from '../../../shared/dataverse/problem.ts';
import type { Command, CommandContext } from '../command-context.ts';
import { CommandError } from '../../command-line/command-error.ts';
import { connectOrganization } from '../organization/connect.ts';
import { readIdentity } from '../organization/identity.ts';
import { withPrivileges } from '../organization/privileges.ts';
import { readState } from '../organization/read-state.ts';
import { createExecutor } from './execute.ts';
import {
  decideOrganizationRow,
  readOrganizationRows,
  writeOrganizationRow,
} from './organization-row.ts';
import { type PlanItem, planSetup, type Wanted } from './plan.ts';
import { itemAsText, planAsText, planSummary } from './report.ts';

/** Where the project file of the plug-in puts what it builds. */
const BUILT_ASSEMBLY = fileURLToPath(
  new URL('../plugin/bin/Release/net462/ConsentHub.Dynamics.dll', import.meta.url),
);

const authentication = z.enum(['signature', 'header']);

const TAKES_HEADERS =
  'ConsentHub has to take the header, or it refuses every webhook: deploy it with WebhookAuthentication=header (the local stack: npm start -- --webhook-header).';

export const setupCommand: Command = {
  summary:
    'makes what ConsentHub needs: columns, change tracking, plug-in, steps, organisation row',
  options: {
    'webhook-url': { type: 'string' },
    assembly: { type: 'string' },
    authentication: { type: 'string' },
    organization: { type: 'string' },
    'renew-secret': { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
  },
  help: `  --webhook-url <url>       https://…/api/dynamics/webhook (not with --local)
  --dry-run                 shows the plan and changes nothing
  --assembly <path>         the built plug-in (default: what dotnet build makes in infra/dynamics/plugin)
  --authentication <how>    signature (default), or header: without a plug-in, and weaker
  --organization <id>       ConsentHub's id of the organisation, where several have no Dynamics yet
  --renew-secret            with header: writes the secret again, which cannot be read`,
  run: setup,
};

async function setup(context: CommandContext): Promise<number> {
  const { options, json, say } = context;
  if (options.flag('local') && options.text('webhook-url') !== undefined) {
    throw new CommandError('--webhook-url: the local stack has its own; leave it out with --local');
  }
  const target = context.target(['dynamics', 'database', 'webhook']);
  const wanted = await readWanted(context, target.webhook);
  const requested = parseOrganization(options.text('organization'));
  const dryRun = options.flag('dry-run');

  const organization = await connectOrganization(target.dynamics);
  const database = createDatabase(target.database);
  const identity = await readIdentity(organization.api);
  const state = await withPrivileges('Reading what is there', () => readState(organization.api));
  const row = decideOrganizationRow(await readOrganizationRows(database), identity, requested);
  const plan = planSetup(state, wanted, row);

  const stops = plan.some(({ action }) => action === 'stop');
  const todo = plan.filter(({ action }) => action === 'create' || action === 'change');
  if (!json) say(planAsText(identity.name, plan));
  if (stops || dryRun || todo.length === 0) {
    if (json) say(planAsJson(plan, 0));
    return stops ? 1 : 0;
  }
  if (!(await context.confirm(`Change ${identity.name}?`))) {
    throw new CommandError('Nothing was changed.');
  }
  const execute = createExecutor({
    api: organization.api,
    state,
    wanted,
    languageCode: identity.languageCode,
    writeRow: () =>
      writeOrganizationRow(database, row, { ...identity, tenantId: organization.tenantId }),
  });
  for (const [index, item] of todo.entries()) {
    if (!json) say(`  ${index + 1}/${todo.length}  ${itemAsText(item)}`);
    await carryOut(execute, item);
  }
  if (json) {
    say(planAsJson(plan, todo.length));
    return 0;
  }
  say(
    `\nDone. What is there now: npm run dynamics -- check${options.flag('local') ? ' --local' : ''}`,
  );
  if (wanted.authentication === 'header') say(TAKES_HEADERS);
  return 0;
}

async function carryOut(execute: (item: PlanItem) => Promise<void>, item: PlanItem): Promise<void> {
  try {
    await withPrivileges(itemAsText(item), () => execute(item));
  } catch (error) {
    if (error instanceof DataverseError) {
      const { message, remedy } = problemOf(error);
      throw new CommandError(
        `${itemAsText(item)}: ${message} ${remedy} (${error.message}) What was done stays; run this again, and it goes on where it stopped.`,
      );
    }
    throw error;
  }
}

async function readWanted(
  { options }: CommandContext,
  webhook: Wanted['webhook'],
): Promise<Wanted> {
  const how = authentication.safeParse(options.text('authentication') ?? 'signature').data;
  if (how === undefined) throw new CommandError('--authentication: signature or header');
  const given = options.text('assembly');
  const path = given ?? BUILT_ASSEMBLY;
  const assembly = how === 'header' ? undefined : await readAssembly(path);
  const assemblyRemedy =
    `no built plug-in at ${path}. Build it with dotnet build -c Release in infra/dynamics/plugin ` +
    '(its README says how), or name it: --assembly <path>';
  if (given !== undefined && how === 'signature' && assembly === undefined) {
    throw new CommandError(`--assembly: ${assemblyRemedy}`);
  }
  return {
    authentication: how,
    assembly,
    assemblyRemedy,
    webhook,
    renewSecret: options.flag('renew-secret'),
  };
}

/** Base64; undefined if there is no such file. */
async function readAssembly(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path)).toString('base64');
  } catch {
    return undefined;
  }
}

function parseOrganization(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const { data } = guid.safeParse(text);
  if (data === undefined) throw new CommandError('--organization: not an id');
  return data;
}

function planAsJson(plan: readonly PlanItem[], done: number): string {
  const items = plan.map(({ part, name, action, detail }) => ({
    part,
    name,
    action,
    detail: detail ?? null,
  }));
  return JSON.stringify({ ...planSummary(plan), done, plan: items }, undefined, 2);
}
