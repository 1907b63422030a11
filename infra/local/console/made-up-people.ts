import type { OutsideSettings } from '../outside/settings.ts';

/** Where one acts as a user of the simulated Dynamics, and as the administrator of the simulated Entra ID. */
export interface Controls {
  readonly dataverseControlUrl: string;
  readonly entraControlUrl: string;
}

/**
 * The console shows people and changes them: only those of the simulated Dynamics and of the stack's own
 * database are made up for sure. Undefined where anybody may be real. Pure.
 */
export function controlsOfMadeUpPeople(
  { dataverseControlUrl, entraControlUrl }: Partial<Controls>,
  { databaseUrl }: Pick<OutsideSettings, 'databaseUrl'>,
): Controls | undefined {
  if (databaseUrl !== undefined) return undefined;
  if (dataverseControlUrl === undefined || entraControlUrl === undefined) return undefined;
  return { dataverseControlUrl, entraControlUrl };
}
