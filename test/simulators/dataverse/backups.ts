import { type Random, randomGuid } from '../entra/random.ts';
import type { ContactsSnapshot } from './contacts.ts';
import type { Organization } from './organization.ts';

/** Bounds the memory: the oldest beyond this number is forgotten. */
const MAX_BACKUPS = 10;

interface Backup {
  readonly version: bigint;
  readonly contacts: ContactsSnapshot;
}

/**
 * Backups of an organisation, as far as rows go. After one was restored the row versions go on from
 * where they were then: numbers that were given out since come again, for other states.
 */
export function createBackups(organization: Organization, random: Random) {
  const backups = new Map<string, Backup>();
  return {
    /** Remembers the contacts and where the row versions are; returns the backup's id. */
    backUp(): string {
      const id = randomGuid(random);
      const { contacts, versions } = organization;
      backups.set(id, { version: versions.current(), contacts: contacts.snapshot() });
      const [oldest] = backups.keys();
      if (backups.size > MAX_BACKUPS && oldest !== undefined) backups.delete(oldest);
      return id;
    },
    /** False if there is no backup with this id. */
    restoreBackup(id: string): boolean {
      const backup = backups.get(id);
      if (!backup) return false;
      organization.versions.setBack(backup.version);
      organization.contacts.reset(backup.contacts);
      organization.changed();
      return true;
    },
  };
}
