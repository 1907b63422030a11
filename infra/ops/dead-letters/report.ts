import { type DeadLetter, wrongFields } from './dead-letter.ts';
import { type DeadLetters, MAX_LETTERS_OF_A_QUEUE } from './read.ts';
import { adviceOn } from './reasons.ts';

export function lettersAsText({ letters, unseen }: DeadLetters): string {
  if (letters.length === 0) {
    return unseen === 0 ? 'There are no dead letters.' : unseenAsText(unseen).join('\n');
  }
  const lines = letters.map(({ id, queue, reason, sentAt }) =>
    [id, queue, sentAt.toISOString(), reason ?? '(moved by SQS)'].join('  '),
  );
  return [
    ...lines,
    ...unseenAsText(unseen),
    '',
    'More: npm run ops -- dead-letters show <id>',
  ].join('\n');
}

/** A line, or none. */
export function unseenAsText(unseen: number): readonly string[] {
  if (unseen === 0) return [];
  return [
    `About ${unseen} more cannot be seen: somebody has them in hand, or a queue has more than ${MAX_LETTERS_OF_A_QUEUE}. Ask again in two minutes.`,
  ];
}

export function letterAsText(letter: DeadLetter): string {
  const { id, queue, reason, sentAt, body } = letter;
  const { meaning, remedy } = adviceOn(reason);
  const fields = wrongFields(letter);
  return [
    `Message ${id}, meant for ${queue}, dead since ${sentAt.toISOString()} or later`,
    `Reason: ${reason ?? '(none)'}: ${meaning}`,
    ...(fields === undefined ? [] : [`Missing or malformed: ${fields.join(', ')}`]),
    `What to do: ${remedy}`,
    '',
    bodyAsText(body),
  ].join('\n');
}

/** Indented where it is JSON; else as a JSON string. Nothing in it can steer a terminal. */
function bodyAsText(body: string): string {
  const text = JSON.stringify(parsed(body), undefined, 2);
  // SQS takes these control characters, and JSON leaves them as they are.
  return text.replace(
    /[\u007f-\u009f]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

export function letterAsJson(deadLetter: DeadLetter) {
  const { attributes: _attributes, reason, ...letter } = deadLetter;
  const fields = wrongFields(deadLetter) ?? [];
  return { ...letter, reason: reason ?? null, fields, ...adviceOn(reason) };
}

export const lettersAsJson = ({ letters, unseen }: DeadLetters): object => ({
  // Without the bodies: one that is malformed can hold anything, and a list is looked at in passing.
  deadLetters: letters.map((letter) => {
    const { body: _body, ...rest } = letterAsJson(letter);
    return rest;
  }),
  unseen,
});

/** `contact-events 3, consent-events 1` */
export function countsAsText(letters: readonly DeadLetter[]): string {
  const names = [...new Set(letters.map(({ queue }) => queue))];
  return names
    .map((name) => `${name} ${letters.filter(({ queue }) => queue === name).length}`)
    .join(', ');
}
