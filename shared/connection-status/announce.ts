import type { View } from './decide-view.ts';

/**
 * What a screen reader says when one view follows another: that the state has changed, that there are
 * other problems, and what became of what a person has asked for. A refresh that finds nothing new says
 * nothing. Pure.
 *
 * @returns undefined if nothing is to be said.
 */
export function announcement(before: View, now: View): string | undefined {
  if (now.test.phase !== before.test.phase) {
    if (now.test.phase === 'running') return 'Testing the connection.';
    if (now.test.phase === 'done') return `The test has ended. ${now.test.message}`;
    if (now.test.phase === 'failed') {
      return `The connection could not be tested. ${now.test.message} ${now.test.remedy}`;
    }
  }
  if (now.state === 'loading') return undefined;
  if (now.refreshing) return before.refreshing ? undefined : 'Asking again.';
  if (before.refreshing || now.state !== before.state || codes(now) !== codes(before)) {
    return `${now.word}. ${now.summary}${problemCount(now)}`;
  }
  return undefined;
}

const codes = ({ problems }: View) => problems.map(({ code }) => code).join(' ');

function problemCount({ problems, staleSince }: View): string {
  // What an older answer says is no news.
  if (problems.length === 0 || staleSince !== null) return '';
  return problems.length === 1 ? ' One problem.' : ` ${problems.length} problems.`;
}
