/**
 * How the service misbehaves.
 * - `hang`: takes the request, does nothing and never answers.
 * - `refuse`: resets the connection, nothing is carried out.
 * - `unavailable`: the proxy answers, but the database behind it does not (500).
 * - `reset-after-commit`: the statements are carried out, the connection is reset before the answer (`/sql` only).
 * - `delayMs`: everything works, that much later: a suspended compute that is being woken.
 */
export type NeonFault =
  | 'none'
  | 'hang'
  | 'refuse'
  | 'unavailable'
  | 'reset-after-commit'
  | { readonly delayMs: number };

/** The fault that is switched on, and for how many requests more. */
export class FaultSwitch {
  #fault: NeonFault = 'none';
  #remaining = 0;

  set(fault: NeonFault, times: number): void {
    this.#fault = fault;
    this.#remaining = times;
  }

  /** The fault that the next request meets. */
  take(): NeonFault {
    if (this.#remaining <= 0) return 'none';
    this.#remaining -= 1;
    return this.#fault;
  }
}
