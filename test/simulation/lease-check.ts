import type { CommitWatch, SimulatedDatabase } from './database.ts';
import type { World } from './world.ts';

interface LeaseRow {
  readonly contact_id: string;
  readonly lease_token: string;
}

const HELD = `
  select contact_id, lease_token from dynamics_contacts where lease_until > now() order by contact_id`;

/** Statements that take or end leases; the first parameter of each names the tokens. */
const ABOUT_LEASES: ReadonlySet<string> = new Set([
  'claim-contacts',
  'settle-contact',
  'release-contact',
]);

/** A lease that is not over is ended by its holder and by nobody else (docs/protocol.md, "Outbound" 1 and 4). */
export function createLeaseCheck(
  world: World,
  database: SimulatedDatabase,
  label: (text: string) => string,
): CommitWatch {
  let held: readonly LeaseRow[] = [];
  const isAboutLeases = (statements: Parameters<CommitWatch['before']>[0]) =>
    statements.some(({ name }) => ABOUT_LEASES.has(name));

  return {
    async before(statements) {
      held = isAboutLeases(statements) ? await database.sql<LeaseRow>(HELD) : [];
    },
    async after(statements) {
      if (!isAboutLeases(statements)) return;
      const now = await database.sql<LeaseRow>(HELD);
      const tokens = statements.map(({ params }) => String(params[0])).join();
      for (const { contact_id, lease_token } of held) {
        const kept = now.some((row) => row.lease_token === lease_token);
        if (!kept && !tokens.includes(lease_token)) {
          world.violation('a lease ends with its holder', label(contact_id));
        }
      }
    },
  };
}
