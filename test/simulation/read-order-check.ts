import type { CommitWatch } from './database.ts';
import type { Contact } from './organization.ts';
import type { Invocation } from './invocation.ts';
import type { World } from './world.ts';

/** What a read of a contact showed, and its place among all reads. */
interface Read {
  readonly order: number;
  readonly showed: string;
}

interface Applied {
  readonly contact_id: string;
  readonly expects: 'none' | 'absent' | 'revision' | 'any';
}

/** A row that was made due asks for a read that is newer than all before it. */
const DUE = 'due';

/**
 * A row never takes an older read than the one that it has, and its clock is cleared by no read from
 * before it was set (docs/protocol.md, "Inbound" 1, 2 and 7).
 */
export function createReadOrderCheck(
  world: World,
  label: (text: string) => string,
): CommitWatch & { afterRead(by: Invocation, contact: Contact): void } {
  const reads = new Map<string, Read>();
  const newest = new Map<string, Read>();
  let order = 0;
  const next = () => {
    order += 1;
    return order;
  };

  function take(contactId: string, read: Read) {
    const before = newest.get(contactId);
    if (before !== undefined && read.order < before.order) {
      if (read.showed !== before.showed) {
        world.violation('no older read wins', label(contactId));
      }
      return;
    }
    newest.set(contactId, read);
  }

  return {
    afterRead(by, { id, alive, version, lives, deaths }) {
      const showed = alive ? `${lives} ${version}` : `deleted ${deaths}`;
      reads.set(`${by.name} ${id}`, { order: next(), showed });
    },
    async before() {},
    async after(statements, { by, results }) {
      const index = statements.findIndex(({ name }) => name === 'apply-contacts');
      const written = results[index];
      if (written === undefined) return;
      const wanted = JSON.parse(String(statements[index]?.params[0])) as Applied[];
      for (const { contact_id, expects } of wanted) {
        if (!written.some((row) => row['contact_id'] === contact_id)) continue;
        if (expects === 'any') newest.set(contact_id, { order: next(), showed: DUE });
        const read = reads.get(`${by.name} ${contact_id}`);
        if ((expects === 'absent' || expects === 'revision') && read !== undefined) {
          take(contact_id, read);
        }
      }
    },
  };
}
