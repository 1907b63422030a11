import { DataverseError } from '../../../shared/dataverse/errors.ts';
import { CommandError } from '../../command-line/command-error.ts';
import type { Clock } from '../clock.ts';
import type { FunctionLog } from '../lambda/function-log.ts';
import type { StackDetails } from '../stack-file.ts';
import type { QueueDefinition } from '../template/definitions.ts';
import { act } from './actions.ts';
import { consentHubSide } from './consenthub-side.ts';
import { type ConsoleServer, serveConsole } from './console-server.ts';
import { dynamicsSide, RefusedByDynamics } from './dynamics-side.ts';
import { liveFeed } from './live-feed.ts';
import { queueReader } from './queue-reader.ts';
import type { StateView } from './view.ts';
import { createWays } from './ways.ts';

export interface ConsoleRequest {
  readonly details: StackDetails;
  readonly dataverseControlUrl: string;
  readonly entraControlUrl: string;
  readonly queues: readonly QueueDefinition[];
  readonly logs: readonly FunctionLog[];
  readonly clock: Clock;
}

/** Soon enough that people take it for at once. */
const STATE_EVERY_MS = 400;
/** Metrics change by the minute; a number on the dashboard need not be newer than this. */
const METRICS_EVERY_MS = 3000;
const TIMEOUT_MS = 5000;

/** Starts the console of a running stack, whose systems have all to be the local stack's own. */
export async function startConsole(request: ConsoleRequest): Promise<ConsoleServer> {
  const { details, clock } = request;
  const dynamics = dynamicsSide(request.dataverseControlUrl, request.entraControlUrl);
  const consentHub = consentHubSide(details);
  const queues = queueReader(request.queues, details.sqsEndpoint, details);
  const ways = createWays();
  const followed = request.logs.map((log) => ({ log, position: 0 }));

  const readLogs = (): void => {
    for (const follower of followed) {
      const text = follower.log.since(follower.position);
      // The last line may still be being written.
      const complete = text.slice(0, text.lastIndexOf('\n') + 1);
      follower.position += Buffer.byteLength(complete);
      for (const line of complete.split('\n')) ways.read(line);
    }
  };
  const state = liveFeed(STATE_EVERY_MS, clock, async (): Promise<StateView> => {
    readLogs();
    const [dynamicsNow, consentHubNow, queuesNow] = await Promise.all([
      orNull(dynamics.read()),
      orNull(consentHub.read()),
      orNull(queues.read()),
    ]);
    return {
      dynamics: dynamicsNow,
      consentHub: consentHubNow,
      queues: queuesNow,
      ways: ways.list(),
    };
  });
  const metrics = liveFeed(METRICS_EVERY_MS, clock, async () => {
    const [alarms, dashboards] = await Promise.all(
      ['/alarms', '/dashboard'].map(async (path): Promise<unknown> => {
        const signal = AbortSignal.timeout(TIMEOUT_MS);
        return (await fetch(`${details.cloudwatchUrl}${path}`, { signal })).json();
      }),
    );
    return { alarms, dashboards };
  });

  const server = await serveConsole({
    feeds: { state, metrics },
    api: { url: details.apiUrl, token: details.operatorToken },
    async act(asked) {
      try {
        await act(asked, dynamics, consentHub);
      } catch (error) {
        return whyNot(error);
      }
      void state.look();
      return undefined;
    },
  });
  return {
    url: server.url,
    async close() {
      await server.close();
      queues.close();
      await consentHub.close();
    },
  };
}

async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch {
    return null;
  }
}

/** A driver's own words can repeat what was sent. */
function whyNot(error: unknown): string {
  const known =
    error instanceof RefusedByDynamics ||
    error instanceof CommandError ||
    error instanceof DataverseError;
  return known ? error.message : 'One of the systems does not answer.';
}
