import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { createSemaphore } from '../../../../shared/dataverse/semaphore.ts';
import { compile, isMonoAvailable, JSON_OF_THE_FRAMEWORK, KEY_FILE, NO_MONO } from './compile.ts';

/** A plug-in, and the event that it is run for. */
export interface PluginRun {
  /** In base64, as `pluginassemblies` has it. */
  readonly assembly: string;
  /** With its namespace. */
  readonly typeName: string;
  readonly unsecure: string | null;
  readonly secure: string | null;
  /** The serialised `RemoteExecutionContext`. */
  readonly context: string;
}

const outcome = z.object({
  /** `retry`: the plug-in asks to be run again. */
  state: z.enum(['succeeded', 'retry', 'failed']),
  /** Of the exception that it threw. */
  message: z.string().exactOptional(),
  traces: z.array(z.string()),
});
export type PluginOutcome = z.output<typeof outcome>;

export type PluginHost = ReturnType<typeof createPluginHost>;

/** The sandbox ends a plug-in after two minutes (Analyze plug-in performance). */
const SANDBOX_LIMIT_MS = 120_000;
/** A run is a process that works for a third of a second, and a machine may have two processors. */
const MAX_PARALLEL_RUNS = 2;

const source = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/**
 * Runs plug-ins under mono, each run in a process of its own, against stand-ins for Microsoft's SDK.
 * The host is compiled before the first run. Without mono every run fails, which is said once.
 */
export function createPluginHost() {
  let started: Promise<{ directory: string } | undefined> | undefined;
  const oneOfFew = createSemaphore(MAX_PARALLEL_RUNS);
  const closing = new AbortController();

  async function start(): Promise<{ directory: string } | undefined> {
    if (!(await isMonoAvailable())) {
      process.stderr.write(`The simulated Dynamics cannot run plug-ins. ${NO_MONO}\n`);
      return undefined;
    }
    const directory = await mkdtemp(join(tmpdir(), 'consenthub-plugin-host-'));
    try {
      const sdk = await compileSdk(directory);
      await compile({
        sources: [source('PluginHost.cs')],
        output: join(directory, 'PluginHost.exe'),
        target: 'exe',
        references: [sdk, JSON_OF_THE_FRAMEWORK, 'System.Xml.dll'],
      });
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
    return { directory };
  }

  async function execute(directory: string, run: PluginRun): Promise<PluginOutcome> {
    const timeout = AbortSignal.timeout(SANDBOX_LIMIT_MS);
    const child = spawn('mono', [join(directory, 'PluginHost.exe')], {
      // No proxy and nothing else of this process: a plug-in reaches loopback directly.
      env: { PATH: process.env['PATH'], HOME: directory },
      stdio: ['pipe', 'pipe', 'pipe'],
      signal: AbortSignal.any([timeout, closing.signal]),
    });
    const ended = new Promise<void>((resolve, reject) => {
      child.on('close', () => resolve());
      child.on('error', reject);
    });
    // A host that ends early does not read to the end; what it wrote says why.
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(run));
    try {
      const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
      if (output === '') return failed(`The plug-in's host ended early. ${errors}`);
      return outcome.parse(JSON.parse(output));
    } catch (error) {
      if (timeout.aborted) return failed('The plug-in execution failed: it took two minutes.');
      if (closing.signal.aborted) return failed('The simulated Dynamics is stopping.');
      throw error;
    }
  }

  return {
    /** Runs a plug-in once. What it throws is in the outcome. */
    async run(run: PluginRun): Promise<PluginOutcome> {
      try {
        return await oneOfFew(async () => {
          started ??= start();
          const host = await started;
          return host === undefined ? failed(NO_MONO) : execute(host.directory, run);
        });
      } catch (error) {
        return failed(`The plug-in could not be run. ${String(error)}`);
      }
    },

    /** Ends what runs, and removes what was compiled. */
    async close(): Promise<void> {
      closing.abort();
      const host = await started?.catch(() => undefined);
      if (host !== undefined) await rm(host.directory, { recursive: true, force: true });
    },
  };
}

/** Compiles the stand-in for Microsoft's SDK and returns its file. */
export async function compileSdk(directory: string): Promise<string> {
  const output = join(directory, 'Microsoft.Xrm.Sdk.dll');
  const sources = [source('Microsoft.Xrm.Sdk.cs')];
  await compile({ sources, output, target: 'library', references: [], keyFile: KEY_FILE });
  return output;
}

function failed(message: string): PluginOutcome {
  return { state: 'failed', message, traces: [] };
}
