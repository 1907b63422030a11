/**
 * Many consents expire in one minute, and one patient revokes in the middle of it. Prints how long the
 * revocation took to reach Dynamics, and how fast the expiries drain; nothing is asserted, because the
 * machine is whatever it is.
 *
 * node test/bench/expiry-storm.ts [--consents 5000] [--minutes 2]
 */
import { parseArgs } from 'node:util';
import { startRunningStack } from '../e2e/running-stack.ts';

const { values } = parseArgs({
  options: {
    consents: { type: 'string', default: '5000' },
    minutes: { type: 'string', default: '2' },
  },
});
const consents = Number(values.consents);
const durationMs = Number(values.minutes) * 60_000;

const it = await startRunningStack({ schedules: true });
try {
  const contacts: string[] = [];
  await it.control('PUT', '/webhook', { url: 'http://127.0.0.1:9/', secret: 'none' });
  for (let n = 0; n < consents; n += 1) {
    contacts.push(await it.create({ firstname: `First${n}`, lastname: `Fictitious${n}` }));
  }
  // As after an import: patients and linked rows, everything settled, nothing due.
  await it.sql(
    `with made as (
       insert into patients (organization_id, last_name, dynamics_contact_id)
       select $1, 'Fictitious', c from unnest($2::text[]) c returning id, dynamics_contact_id
     )
     insert into dynamics_contacts (organization_id, contact_id, patient_id, version, seen)
     select $1, dynamics_contact_id::uuid, id, 1, '{"firstName":null,"lastName":"Fictitious","email":null,"phone":null}'
     from made`,
    [it.details.organizationId, contacts],
  );
  await it.sql(
    `insert into consents (organization_id, patient_id, consent_type, status, granted_at, expires_at)
     select organization_id, id, 'marketing_email', 'active', now() - interval '1 day',
       now() + interval '5 seconds'
     from patients`,
  );
  await it.sql(`update dynamics_contacts set write_due_at = now() + interval '5 seconds'`);
  const [patient] = await it.sql<{ id: string; dynamics_contact_id: string }>(
    'select id, dynamics_contact_id from patients limit 1',
  );
  if (patient === undefined) throw new Error('no patient');
  const written = async () =>
    Number(
      (
        await it.sql<{ n: number }>(
          'select count(*)::int as n from dynamics_contacts where written is not null',
        )
      )[0]?.n,
    );
  console.log(`${consents} consents expire in 5 s`);
  const began = performance.now();
  const latencies: number[] = [];
  while (performance.now() - began < durationMs) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10_000);
    });
    const on = latencies.length % 2 === 0;
    const [row] = await it.sql<{ id: string }>(
      `insert into consents (organization_id, patient_id, consent_type, status, granted_at, revoked_at)
       select organization_id, id, 'marketing_sms', case when $2 then 'active' else 'revoked' end,
         case when $2 then now() end, case when $2 then null else now() end
       from patients where id = $1 returning id`,
      [patient.id, on],
    );
    const sentAt = performance.now();
    await it.publish({
      type: on ? 'consent.granted' : 'consent.revoked',
      patientId: patient.id,
      consentId: String(row?.id),
    });
    await it.until(
      () => it.control<Record<string, unknown>>('GET', `/contacts/${patient.dynamics_contact_id}`),
      (contact) => contact['ch_marketing_sms'] === on,
    );
    latencies.push(performance.now() - sentAt);
    const seconds = (performance.now() - began) / 1_000;
    const done = await written();
    console.log(
      `${seconds.toFixed(0).padStart(4)} s  ${String(done).padStart(6)} of ${consents} shown  ${(done / seconds).toFixed(1)}/s  ` +
        `${on ? 'grant' : 'revocation'} of one patient: ${latencies.at(-1)?.toFixed(0)} ms`,
    );
  }
  console.log(`slowest interactive change: ${Math.max(...latencies).toFixed(0)} ms`);
} finally {
  await it.close();
}
