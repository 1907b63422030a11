import { createSealing, type Seal } from '../../../functions/sweep/seal.ts';
import { SealKeyMismatch } from '../../../shared/audit/seal-audit.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { recordLog } from '../../support/observability.ts';

/** The sealing of one run of `sweep`. */
const run = (seal: Seal) =>
  createSealing({ start: async () => seal, log: recordLog().log, metrics: createMetrics() })(
    () => 55_000,
  );

export const sealing = {
  nothingWaits: () => run(async () => undefined),
  keyReplaced: () =>
    run(async () => {
      throw new SealKeyMismatch(1);
    }),
};
