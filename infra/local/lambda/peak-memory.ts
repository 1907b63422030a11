import { readFileSync } from 'node:fs';

const KILOBYTES_PER_MEGABYTE = 1024;

/**
 * Most memory that a process has had resident at a time, in MB. What the process itself knows of it
 * (`getrusage`) counts its parent in, from before the program was loaded.
 *
 * @returns undefined where the system does not tell (everywhere but on Linux), or no such process.
 */
export function peakMemoryMb(processId: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${processId}/status`, 'utf8');
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) / KILOBYTES_PER_MEGABYTE;
  } catch {
    return undefined;
  }
}
