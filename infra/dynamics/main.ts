import { processSurroundings } from '../command-line/process-surroundings.ts';
import { runDynamicsCommand } from './command.ts';

process.exitCode = await runDynamicsCommand(process.argv.slice(2), processSurroundings());
