import type {
  ConnectionStatusElement,
  StatusEventDetail,
} from '../../../shared/connection-status/index.ts';

/** What `docs/connection-status.md` has a page declare. */
declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'dynamics-connection-status': HTMLAttributes<ConnectionStatusElement> &
        ClassAttributes<ConnectionStatusElement> &
        Partial<Pick<ConnectionStatusElement, 'endpoint' | 'getToken' | 'refreshSeconds'>> & {
          'ondynamics-status'?: (event: CustomEvent<StatusEventDetail>) => void;
        };
    }
  }
}
