import { join } from 'node:path';
import { Client } from 'pg';
import { isLoopbackUrl } from '../../../shared/dataverse/organization-url.ts';
import { discoverTenantId } from '../../../shared/dataverse/tenant.ts';
import { startDataverseSimulator } from '../../../test/simulators/dataverse/index.ts';
import { startEntraSimulator } from '../../../test/simulators/entra/index.ts';
import { type NeonSimulator, startNeonSimulator } from '../../../test/simulators/neon/index.ts';
import { startUpstashSimulator } from '../../../test/simulators/upstash/index.ts';
import { startRestartablePostgres } from '../postgres/restartable-server.ts';
import { allEnded } from './all-ended.ts';
import { type Breakable, serveFaultControl } from './fault-control.ts';
import type { KeptValues } from './kept-values.ts';
import { type OutsideSettings, SettingsError } from './settings.ts';

/** The systems outside AWS, simulated or real, as the functions and the runner reach them. */
export interface OutsideSystems {
  readonly databaseUrl: string;
  /** Where Neon's HTTP protocol is spoken for a local database; absent: at Neon itself. */
  readonly neonEndpoint?: string;
  readonly redisRestUrl: string;
  readonly redisRestToken: string;
  readonly dataverseUrl: string;
  /** Absent when Dynamics is replaced. */
  readonly dataverseControlUrl?: string;
  readonly entraUrl: string;
  /** Absent when Dynamics is replaced. */
  readonly entraControlUrl?: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly webhookSecret: string;
  /** Seals the audit trail of this stack's database. */
  readonly auditKey: string;
  /** Where Redis and the database are made to fail. */
  readonly faultControlUrl: string;
}

/** For one request of the runner to a system outside. */
export const OUTSIDE_TIMEOUT_MS = 15_000;

/**
 * Starts what is simulated and checks what is not. Everything that was started is handed to
 * `resources`, also if a later part fails.
 */
export async function startOutsideSystems(
  settings: OutsideSettings,
  kept: KeptValues,
  stateDirectory: string,
  resources: AsyncDisposableStack,
): Promise<OutsideSystems> {
  const [database, redis, dynamics] = await allEnded([
    startDatabase(settings, stateDirectory, resources),
    startRedis(settings, kept, resources),
    startDynamics(settings, kept, stateDirectory, resources),
  ]);
  const faultControl = await serveFaultControl({ ...database.breakable, ...redis.breakable });
  resources.defer(() => faultControl.close());
  return {
    ...database.systems,
    ...redis.systems,
    ...dynamics,
    webhookSecret: settings.webhookSecret ?? kept.webhookSecret,
    auditKey: kept.auditKey,
    faultControlUrl: faultControl.url,
  };
}

/** What is started, and what of it can be made to fail. */
interface Started<T extends keyof OutsideSystems> {
  readonly systems: Pick<OutsideSystems, T>;
  readonly breakable: Breakable;
}

async function startDatabase(
  settings: OutsideSettings,
  stateDirectory: string,
  resources: AsyncDisposableStack,
): Promise<Started<'databaseUrl' | 'neonEndpoint'>> {
  const { databaseUrl } = settings;
  if (databaseUrl === undefined) {
    const postgres = await startRestartablePostgres(join(stateDirectory, 'postgres'));
    resources.defer(() => postgres.stop());
    const neon = await startNeon(postgres.url, resources);
    return {
      systems: { databaseUrl: postgres.url, neonEndpoint: neon.url },
      breakable: { postgres, neon },
    };
  }
  await checkDatabase(databaseUrl);
  if (!isLoopbackUrl(databaseUrl)) return { systems: { databaseUrl }, breakable: {} };
  const neon = await startNeon(databaseUrl, resources);
  return { systems: { databaseUrl, neonEndpoint: neon.url }, breakable: { neon } };
}

/** Neon's protocols, in front of a plain PostgreSQL. */
async function startNeon(
  upstream: string,
  resources: AsyncDisposableStack,
): Promise<NeonSimulator> {
  const neon = await startNeonSimulator({ upstream });
  resources.defer(() => neon.close());
  return neon;
}

async function startRedis(
  settings: OutsideSettings,
  kept: KeptValues,
  resources: AsyncDisposableStack,
): Promise<Started<'redisRestUrl' | 'redisRestToken'>> {
  const redisRestToken = settings.redisRestToken ?? kept.redisRestToken;
  if (settings.redisRestUrl !== undefined) {
    return { systems: { redisRestUrl: settings.redisRestUrl, redisRestToken }, breakable: {} };
  }
  const redis = await startUpstashSimulator({ token: redisRestToken });
  resources.defer(() => redis.close());
  return { systems: { redisRestUrl: redis.url, redisRestToken }, breakable: { redis } };
}

type Dynamics = Pick<
  OutsideSystems,
  | 'dataverseUrl'
  | 'dataverseControlUrl'
  | 'entraUrl'
  | 'entraControlUrl'
  | 'tenantId'
  | 'clientId'
  | 'clientSecret'
>;

async function startDynamics(
  settings: OutsideSettings,
  kept: KeptValues,
  stateDirectory: string,
  resources: AsyncDisposableStack,
): Promise<Dynamics> {
  const clientId = settings.clientId ?? kept.clientId;
  const clientSecret = settings.clientSecret ?? kept.clientSecret;
  const { orgUrl, authorityUrl } = settings;
  if (orgUrl !== undefined && authorityUrl !== undefined) {
    const tenantId =
      settings.tenantId ??
      (await discoverTenantId({ orgUrl }, { fetch, timeoutMs: OUTSIDE_TIMEOUT_MS }));
    return { dataverseUrl: orgUrl, entraUrl: authorityUrl, tenantId, clientId, clientSecret };
  }
  const tenantId = settings.tenantId ?? kept.tenantId;
  const entra = await startEntraSimulator({ tenantId, clientId, clientSecret });
  resources.defer(() => entra.close());
  const stateFile = join(stateDirectory, 'dataverse.json');
  const dataverse = await startDataverseSimulator({ entra, stateFile });
  resources.defer(() => dataverse.close());
  return {
    dataverseUrl: dataverse.url,
    dataverseControlUrl: dataverse.controlUrl,
    entraUrl: entra.url,
    entraControlUrl: entra.controlUrl,
    tenantId,
    clientId,
    clientSecret,
  };
}

/** A database answers its first connection within this, also one whose compute has to wake up. */
const DATABASE_TIMEOUT_MS = 15_000;

/** @throws SettingsError if the database of the environment cannot be used, and why. */
async function checkDatabase(databaseUrl: string): Promise<void> {
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: DATABASE_TIMEOUT_MS,
  });
  try {
    await client.connect();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new SettingsError(
      `DATABASE_URL: the database does not let us in${code}. Check that it runs, and host, port, user, password and database`,
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
