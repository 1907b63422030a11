import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import type { ContactsSnapshot } from './contacts.ts';
import type { ContactTableSnapshot } from './tables/contact-table.ts';
import type { SystemRowsSnapshot } from './tables/system-rows.ts';

/** What a simulated organisation keeps between starts. */
export interface OrganizationState extends ContactsSnapshot {
  readonly organizationId: string;
  /** Where the row versions are, a decimal string. */
  readonly version: string;
  readonly contactTable: ContactTableSnapshot;
  readonly systemRows: SystemRowsSnapshot;
}

/** Changes are gathered for this long before they are written: a burst costs one write. */
const GATHER_MS = 100;

const columnValue = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const storedRow = z.object({
  id: z.string(),
  version: z.string(),
  values: z.record(z.string(), columnValue),
});
const customColumn = z.object({
  name: z.string(),
  type: z.enum(['string', 'boolean', 'datetime', 'date', 'picklist']),
  maxLength: z.int().exactOptional(),
  options: z.array(z.object({ label: z.string(), value: z.int() })).exactOptional(),
  default: columnValue.exactOptional(),
  schemaName: z.string().exactOptional(),
  displayName: z.string().exactOptional(),
  custom: z.literal(true),
});
const organizationState = z.object({
  organizationId: z.string(),
  version: z.string(),
  contacts: z.array(storedRow),
  recycleBin: z.array(storedRow),
  deletions: z.array(z.object({ id: z.string(), version: z.string() })),
  contactTable: z.object({
    customColumns: z.array(customColumn),
    changeTrackingEnabled: z.boolean(),
    changedAt: z.string(),
  }),
  systemRows: z.record(z.string(), z.array(storedRow)),
});

/** Reads the state of an earlier run; `undefined` if there was none. Throws if it is unreadable. */
export async function readState(file: string): Promise<OrganizationState | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return organizationState.parse(JSON.parse(text));
  } catch {
    throw new Error(`${path.basename(file)} is not a state of the simulated Dataverse; remove it.`);
  }
}

/**
 * Writes the state soon after each `changed()`, and at `close()`. A reader never sees half a file.
 * A write that fails is reported by `close()`.
 */
export function createStateWriter(file: string, state: () => OrganizationState) {
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();
  let failure: Error | undefined;

  async function write(): Promise<void> {
    try {
      await mkdir(path.dirname(file), { recursive: true });
      const draft = `${file}.new`;
      await writeFile(draft, JSON.stringify(state()), { mode: 0o600 });
      await rename(draft, file);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
  }

  function flush(): void {
    timer = undefined;
    writing = writing.then(write);
  }

  return {
    changed(): void {
      timer ??= setTimeout(flush, GATHER_MS);
    },
    async close(): Promise<void> {
      clearTimeout(timer);
      flush();
      await writing;
      if (failure) throw failure;
    },
  };
}
