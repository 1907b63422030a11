import type { ContactUpdate, DataverseClient } from '../../shared/dataverse/client.ts';
import {
  DataverseForbidden,
  DataverseRejected,
  DataverseUnreadable,
} from '../../shared/dataverse/errors.ts';
import { OWN_WRITE_TAG } from '../../shared/webhook/decide-webhook.ts';

type Outcome = { readonly outcome: 'updated' | 'missing' | 'conflict' };

/** One contact's part in a request that writes several. */
export interface Seat {
  /** Writes whatever is there, never creates. Once together with the others, later alone. */
  write(update: ContactUpdate): Promise<Outcome>;
  /** Nobody has to wait for this contact: it has nothing to write, or something else to do first. */
  leave(): void;
}

interface Waiting {
  readonly update: ContactUpdate;
  readonly sent: PromiseWithResolvers<Outcome>;
}

/**
 * Writes several contacts in one request, as soon as each that has a seat has said what is to be written
 * or has left; one by one where that fails as a whole. An answer of unknown outcome is one for each.
 *
 * @returns takes a seat; all have to be taken before the first contact writes or leaves
 */
export function writeTogether(
  dataverse: Pick<DataverseClient, 'updateContact' | 'updateContacts'>,
): () => Seat {
  let expected = 0;
  const waiting: Waiting[] = [];

  function sendIfComplete(): void {
    if (waiting.length < expected || waiting.length === 0) return;
    void send(waiting.splice(0));
  }

  /** Settles every promise; never rejects itself. */
  async function send(complete: readonly Waiting[]): Promise<void> {
    try {
      const written = complete.length > 1 && (await allOrNone(complete));
      for (const { update, sent } of complete) {
        sent.resolve(written ? { outcome: 'updated' } : writeAlone(dataverse, update));
      }
    } catch (error) {
      for (const { sent } of complete) sent.reject(error);
    }
  }

  /** Were all of them written? If not, none was, and one by one most of them can be. */
  async function allOrNone(complete: readonly Waiting[]): Promise<boolean> {
    try {
      const { outcome } = await dataverse.updateContacts(
        complete.map(({ update }) => update),
        { tag: OWN_WRITE_TAG },
      );
      return outcome === 'updated';
    } catch (error) {
      if (
        error instanceof DataverseRejected ||
        error instanceof DataverseForbidden ||
        error instanceof DataverseUnreadable
      ) {
        return false;
      }
      throw error;
    }
  }

  return () => {
    expected += 1;
    let seated = true;
    return {
      write(update) {
        if (!seated) return writeAlone(dataverse, update);
        seated = false;
        const sent = Promise.withResolvers<Outcome>();
        waiting.push({ update, sent });
        sendIfComplete();
        return sent.promise;
      },
      leave() {
        if (!seated) return;
        seated = false;
        expected -= 1;
        sendIfComplete();
      },
    };
  };
}

/** The part of a contact that is not to be written with others. */
export const seatAlone = (dataverse: Pick<DataverseClient, 'updateContact'>): Seat => ({
  write: (update) => writeAlone(dataverse, update),
  leave: () => {},
});

function writeAlone(
  dataverse: Pick<DataverseClient, 'updateContact'>,
  { contactId, fields }: ContactUpdate,
): Promise<Outcome> {
  return dataverse.updateContact(contactId, fields, { ifMatch: '*', tag: OWN_WRITE_TAG });
}
