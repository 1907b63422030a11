import {
  type ConnectionStatusElement,
  connectionStatusElement,
  type StatusEventDetail,
} from './element.ts';
import { browser } from './platform.ts';

export type { DisplayState } from './decide-view.ts';
export type { ConnectionStatusElement, StatusEventDetail };

export const CONNECTION_STATUS_TAG = 'dynamics-connection-status';

declare global {
  interface HTMLElementTagNameMap {
    'dynamics-connection-status': ConnectionStatusElement;
  }
  interface HTMLElementEventMap {
    'dynamics-status': CustomEvent<StatusEventDetail>;
  }
}

/**
 * Defines `<dynamics-connection-status>`, unless it is defined. Importing the module does so; on a
 * server, where there are no elements, it does nothing.
 */
export function defineConnectionStatus(): void {
  if (typeof customElements === 'undefined') return;
  if (customElements.get(CONNECTION_STATUS_TAG) !== undefined) return;
  customElements.define(CONNECTION_STATUS_TAG, connectionStatusElement(browser));
}

defineConnectionStatus();
