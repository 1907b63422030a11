import type { ConsentView, ContactView, Listed, PatientView, StateView } from '../view.ts';
import { act } from './act.ts';
import { askForConsent, askForPerson } from './dialogs.ts';
import { button, find, h, update, write } from './dom.ts';
import { dateText, nameOf, shortId } from './format.ts';

const CHANNEL_NAMES: Readonly<Record<string, string>> = {
  email: 'email',
  sms: 'SMS',
  phone: 'phone',
  mail: 'mail',
};

export function showDynamics(dynamics: StateView['dynamics']): void {
  write(
    find('dynamics-note', HTMLParagraphElement),
    dynamics === null
      ? 'The simulated Dynamics does not answer.'
      : shownText(dynamics.contacts, 'contact', 'Create one and watch it become a patient.'),
  );
  if (dynamics === null) return;
  update(
    find('contacts', HTMLUListElement),
    dynamics.contacts.shown,
    ({ contactId }) => contactId,
    contactCard,
  );
  for (const radio of find('weather', HTMLFieldSetElement).querySelectorAll('input')) {
    radio.checked = radio.value === dynamics.mode;
  }
}

export function showConsentHub(consentHub: StateView['consentHub']): void {
  write(
    find('consenthub-note', HTMLParagraphElement),
    consentHub === null
      ? 'The database does not answer.'
      : shownText(consentHub.patients, 'patient', 'They come from Dynamics.'),
  );
  if (consentHub === null) return;
  update(
    find('patients', HTMLUListElement),
    consentHub.patients.shown,
    ({ patientId }) => patientId,
    patientCard,
  );
}

function shownText({ shown, total }: Listed<unknown>, what: string, none: string): string {
  if (total === 0) return `No ${what}s yet. ${none}`;
  const count = `${total} ${what}${total === 1 ? '' : 's'}`;
  return shown.length === total ? count : `${count}, the newest ${shown.length}`;
}

function contactCard(contact: ContactView): HTMLElement {
  const { contactId, deleted } = contact;
  const name = nameOf(contact);
  return h(
    'li',
    { class: deleted ? 'card deleted' : 'card', 'data-contact': contactId },
    h('h3', {}, name, deleted && h('span', { class: 'chip' }, 'recycle bin')),
    person(contact),
    consents(contact),
    h(
      'p',
      { class: 'buttons' },
      ...(deleted
        ? [
            named('Restore', name, contactId, () => {
              void act({ do: 'restore-contact', contactId });
            }),
          ]
        : [
            named('Change', name, contactId, () => askForPerson(contact)),
            named('Delete', name, contactId, () => {
              void act({ do: 'delete-contact', contactId });
            }),
          ]),
    ),
  );
}

/** What the contact's own fields say of consents. */
function consents({ channels, consentExpires }: ContactView): HTMLElement {
  if (channels.length === 0) return h('p', { class: 'quiet' }, 'Shows no consent');
  return h(
    'p',
    { class: 'chips' },
    ...channels.map((channel) =>
      h('span', { class: 'chip on' }, CHANNEL_NAMES[channel] ?? channel),
    ),
    consentExpires !== null && h('span', { class: 'quiet' }, `until ${dateText(consentExpires)}`),
  );
}

function patientCard(patient: PatientView): HTMLElement {
  const { patientId, contactId } = patient;
  const name = nameOf(patient);
  return h(
    'li',
    { class: contactId === null ? 'card deleted' : 'card', 'data-patient': patientId },
    h('h3', {}, name, contactId === null && h('span', { class: 'chip' }, 'no contact')),
    person(patient),
    patient.consents.length === 0
      ? h('p', { class: 'quiet' }, 'No consents')
      : h('ul', { class: 'consents' }, ...patient.consents.map((one) => consentRow(one, patient))),
    h(
      'p',
      { class: 'buttons' },
      named('Grant', name, patientId, () => askForConsent(patient)),
    ),
  );
}

function consentRow({ channel, status, expiresAt }: ConsentView, patient: PatientView) {
  const name = CHANNEL_NAMES[channel] ?? channel;
  const ends = status === 'active' || status === 'expired' ? expiresAt : null;
  return h(
    'li',
    {},
    h('span', { class: status === 'active' ? 'chip on' : 'chip' }, `${name}: ${status}`),
    ends !== null &&
      h(
        'span',
        { class: 'quiet' },
        `${status === 'expired' ? 'since' : 'until'} ${dateText(ends)}`,
      ),
    status === 'active' && revoke(channel, name, patient),
  );
}

function revoke(channel: string, name: string, patient: PatientView): HTMLElement | undefined {
  const known = (['email', 'sms', 'phone', 'mail'] as const).find((one) => one === channel);
  if (known === undefined) return undefined;
  const { patientId } = patient;
  return named('Revoke', `${name} of ${nameOf(patient)}`, `${patientId} ${channel}`, () => {
    void act({ do: 'revoke', patientId, channel: known });
  });
}

function person({ email, phone }: Pick<ContactView, 'email' | 'phone'>): HTMLElement {
  const known = [email, phone].filter((text) => text !== '').join(' · ');
  return h('p', { class: 'quiet' }, known || 'Neither email nor phone');
}

/** A button whose name tells a screen reader whom it is about. */
function named(label: string, of: string, id: string, onClick: () => void): HTMLButtonElement {
  const made = button(label, id, onClick);
  made.setAttribute('aria-label', `${label} ${of}`);
  made.title = `${label} ${of} (${shortId(id)})`;
  return made;
}
