import { CommandError } from './command-error.ts';

/**
 * Asks for a yes.
 *
 * @param yes whether everything is agreed to beforehand (`--yes`)
 * @param answer asks the person at the keyboard; absent where there is nobody
 */
export function createConfirm(
  yes: boolean,
  answer: ((question: string) => Promise<string>) | undefined,
): (question: string) => Promise<boolean> {
  return async (question) => {
    if (yes) return true;
    if (answer === undefined) {
      throw new CommandError(`${question} Nobody is there to answer: say --yes to agree.`);
    }
    return /^y(?:es)?$/i.test((await answer(`${question} [y/N] `)).trim());
  };
}
