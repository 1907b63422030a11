import Fastify, { type FastifyInstance } from 'fastify';
import type { EntraSimulator } from '../entra/index.ts';
import { type Random, randomGuid } from '../entra/random.ts';
import { createBackups } from './backups.ts';
import { type ContactEvent, createContactStore } from './contacts.ts';
import { CONTROL_PATH, serveControlApi } from './control/index.ts';
import { createFaultSwitch } from './faults.ts';
import { createHeldWrites } from './held-writes.ts';
import { createServiceProtection } from './limits/service-protection.ts';
import { organizationIdentity, type Organization } from './organization.ts';
import { createPluginHost } from './plugin-host/index.ts';
import { allPrivileges } from './privileges.ts';
import { createRequestCounter } from './request-counts.ts';
import { createStateWriter, readState } from './state-file.ts';
import { createContactTable } from './tables/contact-table.ts';
import { createRowVersions } from './tables/row-versions.ts';
import { seedSystemRows } from './tables/seed.ts';
import { createSystemRows } from './tables/system-rows.ts';
import type { TableRows } from './tables/table.ts';
import { serveWebApi, WEB_API_PATH } from './web-api.ts';
import { createDeliveries } from './webhook/deliveries.ts';
import { webhookRequest } from './webhook/execution-context.ts';
import { firingSteps } from './webhook/registered-steps.ts';
import { recordSystemJob } from './webhook/system-jobs.ts';

/** Node's own limit of 16 KiB for a request's head is below the URL length that Dataverse accepts. */
const MAX_HEADER_BYTES = 128 * 1024;

const DEFAULT_OPTION_VALUE_PREFIX = 72_700;

export interface DataverseSimulatorOptions {
  /** 0 or absent: a free port. */
  readonly port?: number;
  /** Who issues and checks the tokens; the organisation registers itself there as a resource. */
  readonly entra: EntraSimulator;
  /** Where the organisation is kept between starts; absent: in memory only. */
  readonly stateFile?: string;
  readonly organizationName?: string;
  /**
   * `customizationoptionvalueprefix` of the publisher, 10,000 to 99,999: `ch_consent_status` has the
   * values that begin with it. Null: an organisation without the custom columns.
   */
  readonly optionValuePrefix?: number | null;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly random?: Random;
}

export interface DataverseSimulator {
  /** Origin of the organisation, without a trailing slash. */
  readonly url: string;
  /** Where a user of Dynamics acts: `<url>/control`. */
  readonly controlUrl: string;
  readonly organizationId: string;
  /** Stops, drops undelivered webhooks, and writes the state. */
  close(): Promise<void>;
}

/** Starts a simulated Dataverse organisation on loopback. */
export async function startDataverseSimulator(
  options: DataverseSimulatorOptions,
): Promise<DataverseSimulator> {
  const now = options.now ?? Date.now;
  const random = options.random ?? Math.random;
  const { entra, stateFile } = options;
  const earlier = stateFile === undefined ? undefined : await readState(stateFile);
  const organizationId = earlier?.organizationId ?? randomGuid(random);

  const app = createServer();
  const counter = createRequestCounter();
  const heldWrites = createHeldWrites();
  const protection = createServiceProtection(now);
  const pluginHost = createPluginHost();
  const deliveries = createDeliveries({
    fetch,
    now,
    random,
    timeout: (ms) => AbortSignal.timeout(ms),
    runPlugin: (run) => pluginHost.run(run),
    onFinished: (request, delivery, message) => {
      recordSystemJob(request, delivery, organization, message);
    },
  });
  const faultSwitch = createFaultSwitch();
  let privileges = allPrivileges;
  let found = true;
  let tokensExpiredAt = 0n;
  let url = '';

  const optionValuePrefix =
    options.optionValuePrefix === undefined
      ? DEFAULT_OPTION_VALUE_PREFIX
      : options.optionValuePrefix;
  const versions = createRowVersions(earlier?.version);
  const contactTable = createContactTable(optionValuePrefix, earlier?.contactTable);
  const { table } = contactTable;
  const contacts = createContactStore({ table, versions, now, random, snapshot: earlier, onEvent });
  const systemRows = createSystemRows({
    versions,
    now,
    random,
    snapshot: earlier?.systemRows,
    onChange: changed,
  });
  const writer =
    stateFile === undefined
      ? undefined
      : createStateWriter(stateFile, () => ({
          organizationId,
          version: versions.current().toString(),
          contactTable: contactTable.snapshot(),
          systemRows: systemRows.snapshot(),
          ...contacts.snapshot(),
        }));
  const contactRows: TableRows = { table, find: contacts.find, all: contacts.all };
  const organization: Organization = {
    ...organizationIdentity(organizationId),
    name: options.organizationName ?? 'Contoso Health (simulated)',
    // Known only when the server listens.
    get url() {
      return url;
    },
    get webApiUrl() {
      return `${url}${WEB_API_PATH}`;
    },
    get privileges() {
      return privileges;
    },
    get tokensExpiredAt() {
      return tokensExpiredAt;
    },
    versions,
    contactTable,
    contacts,
    systemRows,
    tables: new Map<string, TableRows>([...systemRows.sets, ['contacts', contactRows]]),
    now,
    changed,
  };
  const backups = createBackups(organization, random);
  if (!earlier) seedSystemRows(systemRows, table, organizationId, optionValuePrefix);

  function changed(): void {
    writer?.changed();
  }

  function onEvent(event: ContactEvent): void {
    changed();
    for (const step of firingSteps(event, organization)) {
      deliveries.send(webhookRequest(event, step, organization, random));
    }
  }

  serveWebApi(app, {
    organization,
    entra,
    counter,
    heldWrites,
    protection,
    faultSwitch,
    found: () => found,
  });
  serveControlApi(app, {
    organization,
    deliveries,
    counter,
    heldWrites,
    faultSwitch,
    organizationControl: {
      setPrivileges(next) {
        privileges = next;
      },
      setLimits(next) {
        protection.configure(next);
      },
      setFound(next) {
        found = next;
      },
      expireTokens() {
        tokensExpiredAt = versions.next();
      },
      ...backups,
    },
  });
  await app.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('No TCP address');
  url = `http://127.0.0.1:${address.port}`;
  entra.registerResource(url);

  return {
    url,
    controlUrl: `${url}${CONTROL_PATH}`,
    organizationId,
    async close() {
      await deliveries.close();
      await pluginHost.close();
      await app.close();
      await writer?.close();
    },
  };
}

function createServer(): FastifyInstance {
  const app = Fastify({
    forceCloseConnections: true,
    http: { maxHeaderSize: MAX_HEADER_BYTES },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  // Whatever is not the Web API answers as a web server does: a 404 that proves nothing.
  app.setNotFoundHandler(async (_request, reply) =>
    reply
      .code(404)
      .type('text/html; charset=utf-8')
      .send('<!DOCTYPE html><html><body><h1>404 - File or directory not found.</h1></body></html>'),
  );
  return app;
}
