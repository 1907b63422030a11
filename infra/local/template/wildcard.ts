/** Whether text is what a pattern of a policy means: `*` is anything, `?` one character, case counts not. */
export function fits(pattern: string, text: string): boolean {
  const expression = RegExp.escape(pattern).replaceAll('\\*', '.*').replaceAll('\\?', '.');
  return new RegExp(`^${expression}$`, 'i').test(text);
}
