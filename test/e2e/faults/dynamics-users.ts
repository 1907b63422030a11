import type { Random } from '../../simulation/random.ts';
import type { RunningStack } from '../running-stack.ts';
import { type Person, profileOf } from './person.ts';

/** What people do in Dynamics; each of it makes Dataverse post a signed webhook. */
export function createDynamicsUsers(it: RunningStack, random: Random) {
  const did = { created: 0, changed: 0, deleted: 0, restored: 0 };

  return {
    did,

    async create(person: Person): Promise<void> {
      person.lives += 1;
      person.contactId = await it.create(person.profile);
      person.alive = true;
      did.created += 1;
    },

    /** Changes the first name, and something else more often than not. */
    async change(person: Person, key: string): Promise<void> {
      if (!person.alive) return;
      person.edits += 1;
      const { firstname, emailaddress1, telephone1 } = profileOf(person.n, person.edits);
      const changes = {
        firstname,
        ...(random.chance(`${key} email`, 0.5) && { emailaddress1 }),
        ...(random.chance(`${key} phone`, 0.5) && { telephone1 }),
      };
      person.profile = { ...person.profile, ...changes };
      await it.control('PATCH', `/contacts/${person.contactId}`, changes);
      did.changed += 1;
    },

    async deleteOrRestore(person: Person): Promise<void> {
      const path = `/contacts/${person.contactId}`;
      if (person.alive) {
        person.deaths += 1;
        await it.control('DELETE', path);
        did.deleted += 1;
      } else {
        person.lives += 1;
        await it.control('POST', `${path}/restore`);
        did.restored += 1;
      }
      person.alive = !person.alive;
    },

    /** Has the last webhook of the contact posted once more, however late that is. */
    async deliverAgain({ contactId }: Person): Promise<void> {
      await it.control('POST', '/deliveries/redeliver', { contactid: contactId });
    },
  };
}
