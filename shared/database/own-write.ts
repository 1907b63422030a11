import type { Statement } from './database.ts';

/**
 * Silences the triggers on `patients` and `consents` for the statements that follow in the same
 * transaction: they are ConsentHub's outbox, and what we write ourselves must not be sent on.
 */
export const MARK_OWN_WRITE: Statement = {
  text: "select set_config('consenthub_dynamics.own_write', 'on', true)",
  params: [],
};
