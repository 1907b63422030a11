import type { Problem } from '../dataverse/problem.ts';
import type { TrackingProblem } from './tracking-problem.ts';

/** What an administrator has to know of what stops the reconciler. */
export const PROBLEMS: Readonly<Record<TrackingProblem, Problem>> = {
  read_forbidden: {
    code: 'change_tracking_forbidden',
    message: 'The application user may not read all contacts, so changes cannot be followed.',
    remedy:
      'Give the application user a security role with Read on the table Contact at the level Organization. The next run, within five minutes, goes on by itself; nothing was deleted meanwhile.',
  },
  contacts_missing: {
    code: 'contacts_missing',
    message:
      'A full read has not listed a great many of the known contacts. None of them was touched.',
    remedy:
      'Check that the connection leads to the right environment and that the application user sees all contacts. Then read again: npm run dynamics -- import --again. If the contacts really were deleted, allow a larger share: --max-missing <percent>.',
  },
  versions_went_back: {
    code: 'versions_went_back',
    message:
      'Contacts have lower versions than before: the environment was restored from a backup.',
    remedy: 'Read everything anew: npm run dynamics -- import --new-epoch.',
  },
  tracking_refused: {
    code: 'change_tracking_refused',
    message: 'Dataverse refuses to tell which contacts have changed.',
    remedy:
      'Switch on change tracking for the table Contact (its properties, advanced options), and publish it.',
  },
};
