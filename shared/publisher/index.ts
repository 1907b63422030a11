/** What ConsentHub imports to tell of its changes. See docs/publishing.md. */
export { type ConsentChange, ConsentChangeInvalid } from './consent-change.ts';
export {
  type ConsentPublisher,
  type ConsentPublisherOptions,
  ConsentEventNotAcknowledged,
  createConsentPublisher,
  type SqsSender,
} from './publisher.ts';
