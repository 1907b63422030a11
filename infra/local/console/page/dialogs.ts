import type { Channel, ContactView, PatientView } from '../view.ts';
import { act } from './act.ts';
import { find, write } from './dom.ts';
import { nameOf } from './format.ts';

const CHANNELS: readonly Channel[] = ['email', 'sms', 'phone', 'mail'];

/** What happens when the dialog that is open is confirmed. */
type Confirmed = (values: FormData) => void;

const dialogs = {
  person: dialog('person'),
  consent: dialog('consent'),
};

/** Asks for a person's fields: of a new contact, or those that a contact shall have. */
export function askForPerson(contact?: ContactView): void {
  const person = dialogs.person;
  write(
    find('person-heading', HTMLHeadingElement),
    contact ? `Change ${nameOf(contact)}` : 'New contact',
  );
  for (const name of ['firstName', 'lastName', 'email', 'phone'] as const) {
    const input = person.form.elements.namedItem(name);
    if (input instanceof HTMLInputElement) input.value = contact?.[name] ?? '';
  }
  person.ask((values) => {
    const fields = {
      firstName: textOf(values, 'firstName'),
      lastName: textOf(values, 'lastName'),
      email: textOf(values, 'email'),
      phone: textOf(values, 'phone'),
    };
    void act(
      contact === undefined
        ? { do: 'create-contact', ...fields }
        : { do: 'change-contact', contactId: contact.contactId, ...fields },
    );
  });
}

/** Asks what a patient consents to. */
export function askForConsent(patient: PatientView): void {
  write(find('consent-heading', HTMLHeadingElement), `Grant a consent of ${nameOf(patient)}`);
  dialogs.consent.ask((values) => {
    const channel = CHANNELS.find((one) => one === textOf(values, 'channel'));
    const expires = textOf(values, 'expires');
    if (channel === undefined) return;
    void act({
      do: 'grant',
      patientId: patient.patientId,
      channel,
      ...(expires !== '' && { expiresAfterSeconds: Number(expires) }),
    });
  });
}

function dialog(id: string) {
  const element = find(id, HTMLDialogElement);
  const form = element.querySelector('form');
  if (form === null) throw new Error(`the dialog ${id} has no form`);
  let confirmed: Confirmed | undefined;
  element.addEventListener('close', () => {
    const tell = confirmed;
    confirmed = undefined;
    if (element.returnValue === 'ok') tell?.(new FormData(form));
  });
  return {
    form,
    ask(tell: Confirmed): void {
      confirmed = tell;
      // Escape leaves the value of the last time.
      element.returnValue = '';
      element.showModal();
    },
  };
}

function textOf(values: FormData, name: string): string {
  const value = values.get(name);
  return typeof value === 'string' ? value.trim() : '';
}
