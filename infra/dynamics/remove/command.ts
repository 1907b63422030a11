import * as z from 'zod';
import { DataverseRejected } from '../../../shared/dataverse/errors.ts';
import type { WebApi } from '../../../shared/dataverse/web-api.ts';
import type { Command, CommandContext } from '../command-context.ts';
import { CommandError } from '../../command-line/command-error.ts';
import { connectOrganization, read } from '../organization/connect.ts';
import { readIdentity } from '../organization/identity.ts';
import { withPrivileges } from '../organization/privileges.ts';
import { readState } from '../organization/read-state.ts';
import { filterOfData, planRemoval, type Removal } from './plan.ts';

/** "The … component cannot be deleted because it is referenced" (web-service-error-codes.md). */
const REFERENCED = '0x8004f01f';

const KEPT =
  'Stays: change tracking (Dataverse does not turn it off), the publisher (others may use it), and ' +
  "the organisation's row in ConsentHub.";

export const removeCommand: Command = {
  summary: 'takes away what setup made; columns with data only when told twice',
  options: { 'with-data': { type: 'boolean', default: false } },
  help: '  --with-data  with --yes: delete the columns although contacts have consents in them',
  run: remove,
};

async function remove(context: CommandContext): Promise<number> {
  const { json, say } = context;
  const { dynamics } = context.target(['dynamics']);
  const { api } = await connectOrganization(dynamics);
  const { name } = await readIdentity(api);
  const state = await withPrivileges('Reading what is there', () => readState(api));
  if (state.solution?.managed === true) {
    throw new CommandError(
      'The solution is managed: delete it in Power Apps (Solutions), which takes everything along.',
    );
  }
  const plan = planRemoval(state);
  if (plan.length === 0) {
    say(json ? asJson(plan) : `There is nothing of ConsentHub's in ${name}. ${KEPT}`);
    return 0;
  }
  if (!json) {
    say(
      [`To be deleted in ${name}:`, '', ...plan.map(({ what }) => `  ${what}`), '', KEPT].join(
        '\n',
      ),
    );
  }
  await agree(context, api, name, filterOfData(state));
  for (const removal of plan) {
    if (!json) say(`  delete  ${removal.what}`);
    await deleteOne(api, removal);
  }
  say(json ? asJson(plan) : '\nDone.');
  return 0;
}

/** @throws CommandError unless everything is agreed to */
async function agree(
  { options, confirm }: CommandContext,
  api: WebApi,
  organization: string,
  filter: string,
): Promise<void> {
  const hasData = filter !== '' && (await hasContacts(api, filter));
  // `--yes` answers the first question only: what is lost cannot be made again in Dynamics.
  if (hasData && options.flag('yes') && !options.flag('with-data')) {
    throw new CommandError(
      'Contacts have consents in the columns, and would lose them. Say --with-data as well if that is what you want. Nothing was changed.',
    );
  }
  if (!(await confirm(`Delete all this in ${organization}?`))) {
    throw new CommandError('Nothing was changed.');
  }
  if (hasData && !(await confirm('Contacts have consents in the columns. Delete those as well?'))) {
    throw new CommandError('Nothing was changed.');
  }
}

async function hasContacts(api: WebApi, filter: string): Promise<boolean> {
  const path = `contacts?$select=contactid&$top=1&$filter=${encodeURIComponent(filter)}`;
  return (await read(api, path, z.object({ value: z.array(z.unknown()) }))).value.length > 0;
}

async function deleteOne(api: WebApi, { what, path }: Removal): Promise<void> {
  try {
    // One that is gone already is what was wanted.
    await withPrivileges(what, () => api.send({ method: 'DELETE', path }));
  } catch (error) {
    if (error instanceof DataverseRejected && error.code === REFERENCED) {
      throw new CommandError(
        `${what}: something else in the organisation uses it, such as a form, a view or a flow. Power Apps shows what (Show dependencies, in the menu of the component). Take it out there and run this again: it goes on where it stopped.`,
      );
    }
    throw error;
  }
}

function asJson(plan: readonly Removal[]): string {
  return JSON.stringify({ removed: plan.map(({ what }) => what) }, undefined, 2);
}
