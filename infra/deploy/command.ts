import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { CommandError } from '../command-line/command-error.ts';
import { createConfirm } from '../command-line/confirm.ts';
import { messageOf } from '../command-line/message-of.ts';
import type { Surroundings } from '../command-line/surroundings.ts';
import type { Account } from './account.ts';
import { type DeployArguments, HELP, parseDeployArguments } from './arguments.ts';
import { BRIDGE_STACK, readRequirements, SECRETS_STACK } from './assembly.ts';
import type { Cdk } from './cdk.ts';
import { nextSteps, secretsMissing } from './next-steps.ts';
import { obstaclesOf, parameterValues } from './plan.ts';

/** What a deploy works with. */
export interface Tools {
  /** @throws CommandError without credentials */
  readonly connect: () => Promise<Account>;
  readonly cdk: Cdk;
}

/** The stack that `cdk bootstrap` makes. */
const BOOTSTRAP_STACK = 'CDKToolkit';

/** Runs one command line. Returns the exit status: 0 if the stage is deployed, or was only looked at. */
export async function runDeployCommand(
  args: readonly string[],
  surroundings: Surroundings,
  tools: Tools,
): Promise<number> {
  try {
    const parsed = parseDeployArguments(args);
    if (!parsed.help) return await deploy(parsed, surroundings, tools);
    surroundings.say(HELP);
    return 0;
  } catch (error) {
    surroundings.complain(messageOf(error));
    return 1;
  }
}

async function deploy(
  { stage = '', parameters: file, dryRun, yes }: DeployArguments,
  { say, complain, answer }: Surroundings,
  { connect, cdk }: Tools,
): Promise<number> {
  const confirm = createConfirm(yes, answer);
  const given = readParameters(file ?? parametersFileOf(stage));
  await using resources = new AsyncDisposableStack();
  const account = await connect();
  resources.defer(async () => account.close());
  say(
    `Stage ${stage}, account ${account.accountId}, region ${account.region}, as ${account.caller}`,
  );

  const assembly = await cdk.synthesize(stage);
  const requirements = readRequirements(assembly);
  const [toolkit, secrets, bridge, concurrencyLimit] = await Promise.all([
    account.describeStack(BOOTSTRAP_STACK),
    account.describeStack(SECRETS_STACK),
    account.describeStack(BRIDGE_STACK),
    account.concurrencyLimit(),
  ]);
  const obstacles = obstaclesOf(stage, requirements, given, {
    bootstrapped: toolkit !== undefined,
    concurrencyLimit,
    stacks: { [SECRETS_STACK]: secrets, [BRIDGE_STACK]: bridge },
  });
  if (obstacles.length > 0) {
    complain(
      ['Nothing was changed. In the way:', ...obstacles.map((one) => `- ${one}`)].join('\n'),
    );
    return 1;
  }

  for (const [name, state] of [
    [SECRETS_STACK, secrets],
    [BRIDGE_STACK, bridge],
  ] as const) {
    if (state === undefined) say(`${name}: new, everything in it is made`);
    else await cdk.diff(assembly, name);
  }
  const emptySecrets = async () => {
    const filled = await Promise.all(
      requirements.secretsToFill.map((name) => account.hasValue(name)),
    );
    return requirements.secretsToFill.filter((_, index) => filled[index] === false);
  };
  if (dryRun) {
    const empty = await emptySecrets();
    if (empty.length > 0) say(secretsMissing(empty, stage));
    return 0;
  }
  if (!(await confirm(`Deploy this to the stage ${stage}?`))) {
    complain('Nothing was changed.');
    return 1;
  }

  await cdk.deploy(assembly, SECRETS_STACK, {});
  const empty = await emptySecrets();
  if (empty.length > 0) {
    complain(secretsMissing(empty, stage));
    return 1;
  }
  await cdk.deploy(assembly, BRIDGE_STACK, parameterValues(requirements, given));
  const deployed = await account.describeStack(BRIDGE_STACK);
  say(nextSteps(deployed?.outputs ?? {}));
  return 0;
}

function parametersFileOf(stage: string): string {
  return fileURLToPath(new URL(`parameters/${stage}.json`, import.meta.url));
}

/** @throws CommandError */
function readParameters(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new CommandError(
      `There is no ${file}: copy infra/deploy/parameters/example.json there and put in what fits the stage.`,
    );
  }
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch {
    throw new CommandError(`${file} is not a JSON object of names and values.`);
  }
}
