/** Interleavings that the model of the protocol (test/model) found, on the real statements. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { DataverseUnavailable } from '../../../shared/dataverse/errors.ts';
import { readContacts as readAll } from '../../../shared/contacts/read-contacts.ts';
import { startSyncConsent, type SyncConsentFixture } from './fixture.ts';

let it: SyncConsentFixture;
beforeAll(async () => {
  it = await startSyncConsent();
});
afterAll(() => it?.close());
beforeEach(async () => {
  await it.dynamics.control('DELETE', '/faults');
});
let counter = 500;
const linked = () => it.linked((counter += 1));
const says = async (contactId: string) =>
  (await (await it.dynamics.control('GET', `/contacts/${contactId}`)).json()) as Record<
    string,
    unknown
  >;
const changed = (patientId: string) =>
  it.consentEvent(patientId, undefined, { type: 'patient.updated' });
const email = (patientId: string, value: string) =>
  it.sql('update patients set email = $2 where id = $1', [patientId, value]);
const options = () => it.dependencies.dataverse.getConsentStatusOptions();
type Update = typeof it.dependencies.dataverse.updateContact;

test('ConsentHub corrects an email while the first one is written', async () => {
  const { contactId, patientId } = await linked();
  await it.syncConsent([it.consentEvent(patientId, undefined)]);
  await email(patientId, 'typo@example.test');
  let writes = 0;
  const dataverse = {
    ...it.dependencies.dataverse,
    updateContact: async (...args: Parameters<Update>) => {
      const answer = await it.dependencies.dataverse.updateContact(...args);
      writes += 1;
      if (writes === 1) await email(patientId, 'right@example.test');
      return answer;
    },
  };
  await it.syncConsent([changed(patientId)], { overrides: { dataverse } });
  await it.pass('1 hour');
  await it.sweep();
  expect([
    (await it.state(contactId))?.['email'],
    (await says(contactId))['emailaddress1'],
  ]).toEqual(['right@example.test', 'right@example.test']);
});

test('ConsentHub takes the email back while it is written', async () => {
  const { contactId, patientId } = await linked();
  await it.syncConsent([it.consentEvent(patientId, undefined)]);
  const before = String((await says(contactId))['emailaddress1']);
  await email(patientId, 'typo@example.test');
  let writes = 0;
  const dataverse = {
    ...it.dependencies.dataverse,
    updateContact: async (...args: Parameters<Update>) => {
      const answer = await it.dependencies.dataverse.updateContact(...args);
      writes += 1;
      if (writes === 1) await email(patientId, before);
      return answer;
    },
  };
  await it.syncConsent([changed(patientId)], { overrides: { dataverse } });
  await it.pass('1 hour');
  await it.sweep();
  expect([
    (await it.state(contactId))?.['email'],
    (await says(contactId))['emailaddress1'],
  ]).toEqual([before, before]);
});

describe('ConsentHub corrects an email, and the end of the first write', () => {
  const unanswered = async (...args: Parameters<Update>): ReturnType<Update> => {
    await it.dependencies.dataverse.updateContact(...args);
    throw new DataverseUnavailable({
      reason: 'network',
      outcomeUnknown: true,
    });
  };
  const crash = async (): Promise<never> => {
    throw new Error('crash');
  };
  test.each([
    ['its answer is lost', { updateContact: unanswered }, {}],
    ['the process dies before it is settled', {}, { settle: crash }],
  ])('%s', { tags: ['fault-11', 'fault-34'] }, async (_how, dataverseFault, storeFault) => {
    const { contactId, patientId } = await linked();
    await it.syncConsent([it.consentEvent(patientId, undefined)]);
    await email(patientId, 'typo@example.test');
    const overrides = {
      dataverse: { ...it.dependencies.dataverse, ...dataverseFault },
      store: { ...it.dependencies.store, ...storeFault },
    };
    await it.syncConsent([changed(patientId)], { overrides, receiveCount: 9 }).catch(() => {});
    expect((await says(contactId))['emailaddress1']).toBe('typo@example.test');
    await email(patientId, 'right@example.test');

    // The contact is read by both sides, as its webhook and the clock have it read.
    await it.sync([it.event(contactId)]);
    await it.pass('1 hour');
    await it.sweep();
    await it.pass('1 hour');
    await it.sweep();
    expect([
      (await it.state(contactId))?.['email'],
      (await says(contactId))['emailaddress1'],
    ]).toEqual(['right@example.test', 'right@example.test']);
    expect(
      await it.sql(
        `select 1 from audit_logs where patient_id = $1 and new_values ? 'conflicts'
           and jsonb_array_length(new_values -> 'conflicts') > 0`,
        [patientId],
      ),
    ).toEqual([]);
    const [row] = await it.sql<{ pushed: unknown }>(
      'select pushed from dynamics_contacts where contact_id = $1',
      [contactId],
    );
    expect(row?.pushed).toBeNull();
  });
});

test('a release keeps the doubt of a crash', { tags: ['fault-10'] }, async () => {
  const { contactId, patientId } = await linked();
  await it.syncConsent([it.consentEvent(patientId, undefined)]);
  await it.decide(patientId, 'email', 'granted');
  const crashing = {
    ...it.dependencies.dataverse,
    updateContact: async (...args: Parameters<Update>) => {
      await it.dependencies.dataverse.updateContact(...args);
      throw new Error('crash');
    },
  };
  await it
    .syncConsent([it.consentEvent(patientId, undefined)], { overrides: { dataverse: crashing } })
    .catch(() => {});
  await it.sql('delete from consents where patient_id = $1', [patientId]);
  await it.pass('200 seconds');
  // Before the sweep comes, a message; Dynamics is away.
  const away = {
    connectedOrganizationId: async () => {
      throw new DataverseUnavailable({ outcomeUnknown: false, reason: 'network' } as never);
    },
  };
  await it.syncConsent([it.consentEvent(patientId, undefined)], {
    overrides: away,
    receiveCount: 9,
  });
  await it.pass('1 hour');
  await it.sweep();
  await it.pass('1 hour');
  await it.sweep();
  expect(await it.shown(contactId)).toMatchObject({ email: false });
});

test('a restore while the writer unlinks', { tags: ['fault-5', 'fault-30'] }, async () => {
  const { contactId, patientId } = await linked();
  await it.syncConsent([it.consentEvent(patientId, undefined)]);
  await it.decide(patientId, 'email', 'granted');
  await it.dynamics.control('DELETE', `/contacts/${contactId}`);
  const dataverse = {
    ...it.dependencies.dataverse,
    updateContact: async (...args: Parameters<Update>) => {
      const answer = await it.dependencies.dataverse.updateContact(...args);
      if (answer.outcome === 'missing') {
        await it.dynamics.control('POST', `/contacts/${contactId}/restore`);
        await it.sync([it.event(contactId)]);
      }
      return answer;
    },
  };
  await it.syncConsent([it.consentEvent(patientId, undefined)], { overrides: { dataverse } });
  await it.pass('1 hour');
  await it.sweep();
  expect(
    await it.sql('select deleted_at from dynamics_contacts where contact_id = $1', [contactId]),
  ).toEqual([{ deleted_at: null }]);
});

test('deleted, restored and deleted: the older read is applied last', {
  tags: ['fault-5'],
}, async () => {
  const { contactId, patientId } = await linked();
  await it.syncConsent([it.consentEvent(patientId, undefined)]);
  await it.dynamics.control('DELETE', `/contacts/${contactId}`);
  await it.sync([it.event(contactId, 'contact.deleted')]);
  await it.dynamics.control('POST', `/contacts/${contactId}/restore`);
  let first = true;
  const readContacts = async (ids: readonly string[]) => {
    const reads = await readAll(it.dependencies.dataverse, ids, options);
    if (first) {
      first = false;
      await it.dynamics.control('DELETE', `/contacts/${contactId}`);
      await it.sync([it.event(contactId, 'contact.deleted')]);
    }
    return reads;
  };
  await it.sync([it.event(contactId)], { overrides: { readContacts } });
  await it.pass('1 hour');
  await it.sweep();
  expect((await it.state(contactId))?.['deleted']).toBe(true);
});

test('erased, deleted and restored: the message of the restore changes nothing', async () => {
  const { contactId, patientId } = await linked();
  await it.sql('delete from patients where id = $1', [patientId]);
  await it.dynamics.control('DELETE', `/contacts/${contactId}`);
  let first = true;
  const readContacts = async (ids: readonly string[]) => {
    const reads = await readAll(it.dependencies.dataverse, ids, options);
    if (first) {
      first = false;
      await it.dynamics.control('POST', `/contacts/${contactId}/restore`);
      await it.sync([it.event(contactId)]);
    }
    return reads;
  };
  await it.sync([it.event(contactId, 'contact.deleted')], { overrides: { readContacts } });
  await it.pass('1 hour');
  await it.sweep();
  expect((await it.state(contactId))?.['deleted']).toBe(false);
});

test('settled only after the doubt that the claim had found', {
  tags: ['fault-10', 'fault-11'],
}, async () => {
  const { contactId, patientId } = await linked();
  await it.syncConsent([it.consentEvent(patientId, undefined)]);
  await it.decide(patientId, 'email', 'granted');
  const late: (() => Promise<unknown>)[] = [];
  const crashing = {
    ...it.dependencies.dataverse,
    updateContact: async (...args: Parameters<Update>): ReturnType<Update> => {
      late.push(() => it.dependencies.dataverse.updateContact(...args));
      throw new Error('crash');
    },
  };
  await it
    .syncConsent([it.consentEvent(patientId, undefined)], { overrides: { dataverse: crashing } })
    .catch(() => {});
  await it.sql('delete from consents where patient_id = $1', [patientId]);
  await it.pass('160 seconds');
  const dataverse = {
    ...it.dependencies.dataverse,
    updateContact: async (...args: Parameters<Update>) => {
      const answer = await it.dependencies.dataverse.updateContact(...args);
      await late[0]?.();
      return answer;
    },
  };
  const store = {
    ...it.dependencies.store,
    settle: async (...[settling, audit]: Parameters<typeof it.dependencies.store.settle>) => {
      // 25 seconds later, as the claim's remembered doubt sees it.
      const doubtBefore = new Date(
        Date.parse(settling.lease.doubtBefore ?? '') - 25_000,
      ).toISOString();
      return it.dependencies.store.settle(
        { ...settling, lease: { ...settling.lease, doubtBefore } },
        audit,
      );
    },
  };
  await it.syncConsent([it.consentEvent(patientId, undefined)], {
    overrides: { dataverse, store },
  });
  await it.pass('1 hour');
  await it.sweep();
  expect(await it.shown(contactId)).toMatchObject({ email: false });
});
