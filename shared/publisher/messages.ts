/** The messages of the consent queue, without the AWS SDK. See docs/publishing.md. */
export {
  CONSENT_EVENT_VERSION,
  type ConsentEvent,
  consentEvent,
  parseConsentEvent,
} from '../queue/consent-event.ts';
