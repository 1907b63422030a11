import { processSurroundings } from '../command-line/process-surroundings.ts';
import { createAwsAccount } from './account.ts';
import { createCdk } from './cdk.ts';
import { runDeployCommand } from './command.ts';

process.exitCode = await runDeployCommand(process.argv.slice(2), processSurroundings(), {
  connect: createAwsAccount,
  cdk: createCdk(),
});
