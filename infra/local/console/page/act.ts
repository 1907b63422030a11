import type { Action } from '../view.ts';
import { find } from './dom.ts';

/** Long enough to read two lines. */
const SAID_MS = 10_000;

let forgetting: ReturnType<typeof setTimeout> | undefined;

/** Asks the server to do something, and says if it could not. */
export async function act(action: Action): Promise<void> {
  let refusal: string | undefined;
  try {
    const response = await fetch('/actions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(action),
    });
    if (!response.ok) refusal = messageOf(await response.json());
  } catch {
    refusal = 'The local stack does not answer.';
  }
  say(refusal);
}

function say(text: string | undefined): void {
  const said = find('said', HTMLParagraphElement);
  clearTimeout(forgetting);
  said.textContent = text ?? '';
  said.hidden = text === undefined;
  if (text !== undefined) forgetting = setTimeout(() => say(undefined), SAID_MS);
}

function messageOf(answer: unknown): string {
  if (typeof answer === 'object' && answer !== null && 'error' in answer) {
    const { error } = answer;
    if (typeof error === 'object' && error !== null && 'message' in error) {
      return String(error.message);
    }
  }
  return 'It was refused.';
}
