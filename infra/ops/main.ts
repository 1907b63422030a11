import { userInfo } from 'node:os';
import { processSurroundings } from '../command-line/process-surroundings.ts';
import { runOpsCommand } from './command.ts';

process.exitCode = await runOpsCommand(process.argv.slice(2), {
  ...processSurroundings(),
  userName: userInfo().username,
});
