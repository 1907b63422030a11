import Fastify, { type FastifyInstance } from 'fastify';
import type { EntraSimulator } from '../entra/index.ts';
import { type Random, randomGuid } from '../entra/random.ts';
import { type ContactEvent, createContactStore } from './contacts.ts';
import { createContactColumns } from './columns.ts';
import { CONTROL_PATH, serveControlApi } from './control/index.ts';
import { createFaultSwitch } from './faults.ts';
import { createHeldWrites } from './held-writes.ts';
import { organizationIdentity, type Organization } from './organization.ts';
import { createRequestCounter } from './request-counts.ts';
import { createStateWriter, readState } from './state-file.ts';
import { serveWebApi, WEB_API_PATH } from './web-api.ts';
import { createDeliveries } from './webhook/deliveries.ts';
import { webhookRequest } from './webhook/execution-context.ts';

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
  const deliveries = createDeliveries({ fetch, now, random });
  const faultSwitch = createFaultSwitch();
  let fireOwnWrites = false;
  let url = '';

  const columns = createContactColumns(
    options.optionValuePrefix === undefined
      ? DEFAULT_OPTION_VALUE_PREFIX
      : options.optionValuePrefix,
  );
  const contacts = createContactStore({ columns, now, random, snapshot: earlier, onEvent });
  const writer =
    stateFile === undefined
      ? undefined
      : createStateWriter(stateFile, () => ({ organizationId, ...contacts.snapshot() }));
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
    columns,
    contacts,
  };

  function onEvent(event: ContactEvent): void {
    writer?.changed();
    if (firesWebhook(event, fireOwnWrites)) {
      deliveries.send(webhookRequest(event, organization, random));
    }
  }

  serveWebApi(app, { organization, entra, counter, heldWrites, faultSwitch });
  serveControlApi(app, {
    organization,
    deliveries,
    counter,
    heldWrites,
    faultSwitch,
    setFireOwnWrites(fire) {
      fireOwnWrites = fire;
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
      await app.close();
      await writer?.close();
    },
  };
}

/**
 * Whether a webhook step is registered for an event: for every creation, deletion and restoration,
 * and for updates that set at least one column besides the consent columns, which the steps'
 * filtering attributes leave out. `fireOwnWrites` takes the filtering attributes away.
 */
function firesWebhook(event: ContactEvent, fireOwnWrites: boolean): boolean {
  if (event.message !== 'Update' || fireOwnWrites) return true;
  return Object.keys(event.changed).some(
    (name) => !name.startsWith('ch_') && name !== 'contactid' && name !== 'modifiedon',
  );
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
