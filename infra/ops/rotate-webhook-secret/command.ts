import { randomBytes } from 'node:crypto';
import { CommandError } from '../../command-line/command-error.ts';
import type { Command, CommandContext } from '../command-context.ts';
import { rotate } from './rotate.ts';
import { openSigningSide } from './signing-side.ts';
import { readStoredSecret, retirePrevious, storeSecret } from './stored-secret.ts';

/** 64 hexadecimal digits: as long as the one that was made up at the first deploy. */
const SECRET_BYTES = 32;

const STEPS = {
  stored: 'The new secret is stored; the old one is taken as well.',
  waits: 'Waiting until every container takes the new one (35 s at most).',
  switched: 'Dynamics signs with the new secret.',
} as const;

const INTERRUPTED =
  'Interrupted before Dynamics was switched. It signs with the old secret, which is taken for a day: run this again until then, and it goes on where it stopped.';

export const rotateWebhookSecretCommand: Command = {
  summary: 'gives webhooks a new secret; none is refused meanwhile, the old one ends after a day',
  options: { retire: { type: 'boolean', default: false } },
  help: `  --retire  afterwards: ends the old secret now, if it has leaked; containers forget it within five minutes

Without --local it also needs the variables of npm run dynamics: DYNAMICS_ORG_URL, DYNAMICS_CLIENT_ID …
`,
  async run(context) {
    return context.options.flag('retire') ? await retire(context) : await rotateSecret(context);
  },
};

async function rotateSecret(context: CommandContext): Promise<number> {
  const { connect, confirm, json, say, wait, interruption } = context;
  const dynamics = context.dynamics();
  const { target, recorder } = await connect();
  return await recorder.recordedFirst({ command: 'rotate-webhook-secret' }, async (note) => {
    const side = await openSigningSide(dynamics, target.webhookUrl);
    if (
      !(await confirm(`Rotate the secret of the webhooks from ${side.name} to ${target.name}?`))
    ) {
      throw new CommandError('Nothing was changed.');
    }
    const { kind, oldValidUntil } = await rotate({
      readSecret: () => readStoredSecret(target.secrets),
      storeSecret: (value, generation) => storeSecret(target.secrets, value, generation),
      readUsed: () => side.readUsed(),
      use: (secret) => side.use(secret),
      newSecret: () => randomBytes(SECRET_BYTES).toString('hex'),
      now: () => new Date(),
      wait: async (ms) => {
        await wait(ms);
        if (interruption.aborted) throw new CommandError(INTERRUPTED);
      },
      onStep: (step) => {
        note({ step });
        if (!json) say(STEPS[step]);
      },
    });
    note({ kind });
    const until = oldValidUntil.toISOString();
    if (json) say(JSON.stringify({ kind, oldValidUntil: until }));
    else
      say(
        `${kind === 'finished' ? 'The stored secret was not in use yet, so no other was made. ' : ''}The old secret ends at ${until}.`,
      );
    return 0;
  });
}

async function retire(context: CommandContext): Promise<number> {
  const { connect, confirm, json, say } = context;
  const dynamics = context.dynamics();
  const { target, recorder } = await connect();
  const run = { command: 'rotate-webhook-secret', request: { retire: true } };
  return await recorder.recordedFirst(run, async () => {
    const side = await openSigningSide(dynamics, target.webhookUrl);
    const used = await side.readUsed();
    const { value } = await readStoredSecret(target.secrets);
    if (used !== undefined && used !== value) {
      throw new CommandError(
        'Dynamics does not sign with the current secret yet: its webhooks would be refused. Run this without --retire first.',
      );
    }
    const unsure =
      used === undefined
        ? ' What Dynamics signs with cannot be read: be sure that it was switched.'
        : '';
    if (!(await confirm(`End the old secret of ${target.name} now?${unsure}`))) {
      throw new CommandError('Nothing was changed.');
    }
    const retired = await retirePrevious(target.secrets);
    if (json) say(JSON.stringify({ retired }));
    else say(retired ? 'The old secret has ended.' : 'There is no old secret.');
    return 0;
  });
}
