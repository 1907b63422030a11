/** Something that the person at the keyboard can mend; the message says what. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
