/** What people and systems can do in a run. */
export const ACTION_NAMES = [
  'grant',
  'revoke',
  'decide for all',
  'edit in ConsentHub',
  'edit in Dynamics',
  'touch in Dynamics',
  'delete or restore',
  'irrelevant consent',
  'erase',
  'nonsense',
  'outage',
  'forgery',
  'rotation',
  'redrive',
  'edit consents in Dynamics',
  'expire links',
  'merge',
  'merge patients',
] as const;

export type ActionName = (typeof ACTION_NAMES)[number];
