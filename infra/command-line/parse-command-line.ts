import { parseArgs, type ParseArgsConfig } from 'node:util';
import { CommandError } from './command-error.ts';

/**
 * As `parseArgs` of Node.
 *
 * @throws CommandError that names what was not understood
 */
export function parseCommandLine<Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    // What follows the first sentence is about words that begin with a dash, which no command takes.
    const [complaint = ''] = (error instanceof Error ? error.message : String(error)).split('. ');
    throw new CommandError(complaint);
  }
}
