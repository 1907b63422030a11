import { fileURLToPath } from 'node:url';
import { runConsentCommand } from './command.ts';

process.exitCode = await runConsentCommand(process.argv.slice(2), {
  stackFile: fileURLToPath(new URL('../../../.local/stack.json', import.meta.url)),
  say: (text) => process.stdout.write(`${text}\n`),
  complain: (text) => process.stderr.write(`${text}\n`),
});
