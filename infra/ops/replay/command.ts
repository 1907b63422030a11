import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { createDatabase } from '../../../shared/database/database.ts';
import { guid } from '../../../shared/dataverse/guid.ts';
import { createQueue } from '../../../shared/queue/queue.ts';
import { readRequest, writeRequest } from '../../../shared/sweep/sync-request.ts';
import type { Options } from '../../command-line/arguments.ts';
import { CommandError } from '../../command-line/command-error.ts';
import type { Command } from '../command-context.ts';
import type { Target } from '../target.ts';
import makeDue from './make-due.sql';

const dueRow = z.object({
  organization_id: z.string(),
  contact_id: z.string(),
  patient_id: z.string().nullable(),
  dataverse_organization_id: z.string().nullable(),
});
type DueRow = z.output<typeof dueRow>;

export const replayCommand: Command = {
  summary: 'reads one contact again, and writes its consents again',
  options: { contact: { type: 'string' }, patient: { type: 'string' } },
  help: `  --contact <id>  by its id in Dynamics
  --patient <id>  by the id of the patient in ConsentHub
`,
  async run({ connect, options, json, say }) {
    const asked = readAsked(options);
    const { target, recorder } = await connect();
    return await recorder.recordedFirst({ command: 'replay', request: asked }, async (note) => {
      const database = createDatabase(target.database);
      const params = [asked.contactId ?? null, asked.patientId ?? null];
      const rows = (await database.query(makeDue, params)).map((row) => dueRow.parse(row));
      if (rows.length === 0) {
        throw new CommandError(
          'No contact that ConsentHub knows has this id. The reconciler brings contacts that were missed within five minutes; npm run dynamics -- import reads all of them.',
        );
      }
      const [{ patient_id: patientId } = { patient_id: null }] = rows;
      note({
        contacts: rows.map((row) => row.contact_id),
        ...(patientId !== null && { patientId }),
      });
      const rung = await ring(target, rows);
      const contacts = rows.map((row) => ({
        contactId: row.contact_id,
        patientId: row.patient_id,
      }));
      say(json ? JSON.stringify({ contacts, rung }, undefined, 2) : asText(rows, rung));
      return 0;
    });
  },
};

function readAsked(options: Options): { readonly contactId?: string; readonly patientId?: string } {
  const [contact, patient] = [options.text('contact'), options.text('patient')];
  const given = contact ?? patient;
  if (given === undefined || (contact !== undefined && patient !== undefined)) {
    throw new CommandError('Say which one: --contact <id> or --patient <id>');
  }
  const { data: id } = guid.safeParse(given);
  if (id === undefined) throw new CommandError(`${given}: not an id`);
  return contact === undefined ? { patientId: id } : { contactId: id };
}

/** Rings at once, as the sweep would within a minute. False if it has to be left to the sweep. */
async function ring({ sqs, queues }: Target, rows: readonly DueRow[]): Promise<boolean> {
  const sources = { newId: randomUUID, now: () => new Date() };
  const reads = rows.flatMap(({ contact_id: contactId, dataverse_organization_id: id }) =>
    id === null ? [] : [readRequest({ dataverseOrganizationId: id, contactId }, sources)],
  );
  const writes = rows.flatMap(({ organization_id: organizationId, patient_id: patientId }) =>
    patientId === null ? [] : [writeRequest({ organizationId, patientId }, sources)],
  );
  const messages = { 'contact-events': reads, 'consent-events': writes };
  const sent = await Promise.allSettled(
    queues.map(({ name, url }) => createQueue(sqs, url).sendAll(messages[name])),
  );
  return sent.every(({ status }) => status === 'fulfilled');
}

function asText(rows: readonly DueRow[], rung: boolean): string {
  return [
    ...rows.map(
      ({ contact_id: contact, patient_id: patient }) =>
        `Contact ${contact}, ${patient === null ? 'no patient' : `patient ${patient}`}: due.`,
    ),
    rung ? 'Rung for.' : 'The queues do not answer: the sweep rings within a minute.',
  ].join('\n');
}
