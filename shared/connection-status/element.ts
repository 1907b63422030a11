import { announcement } from './announce.ts';
import { type Connection, createClient } from './client.ts';
import { decideView, type DisplayState, type View } from './decide-view.ts';
import { layOut } from './lay-out.ts';
import { refreshSecondsOf } from './pace.ts';
import { patch } from './patch.ts';
import type { Platform } from './platform.ts';
import { createSession } from './session.ts';
import { STYLES } from './styles.ts';

/** What a page sees of the element. */
export interface ConnectionStatusElement extends HTMLElement {
  /**
   * Base URL of the API (`https://api.example.com`, or `/` for the page's own origin); also an
   * attribute. Null: not set.
   */
  endpoint: string | null;
  /**
   * Supplies an access token for each request; an empty string sends none. What it throws counts as
   * signed out. Nothing is asked before it is set.
   */
  getToken: Connection['getToken'] | undefined;
  /** From one answer to the next request, 5 to 3,600; also the attribute `refresh-seconds`. */
  refreshSeconds: number;
  /** Asks now. Resolves when there is an answer, or a failure to show. */
  refresh(): Promise<void>;
}

/** Name of the event, and its detail: the state has changed to this one. It bubbles out of shadow trees. */
export const STATUS_EVENT = 'dynamics-status';
export interface StatusEventDetail {
  readonly state: DisplayState;
}

/** "12 seconds ago" is wrong by no more than this. */
const TICK_MS = 5_000;

const PROPERTIES = ['endpoint', 'getToken', 'refreshSeconds'] as const;

/** Makes the class of the element. Only where there is a document: on a server there is nothing to extend. */
export function connectionStatusElement(platform: Platform): CustomElementConstructor {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLES);

  return class extends HTMLElement implements ConnectionStatusElement {
    static readonly observedAttributes = ['endpoint', 'refresh-seconds'];

    readonly #session = createSession(createClient(platform), platform, () => this.#render());
    readonly #card = document.createElement('div');
    readonly #announcer = document.createElement('p');
    #getToken: Connection['getToken'] | undefined;
    #view: View = this.#decide();
    #onScreen = false;
    #stopTicking = () => {};

    readonly #visibility = () => this.#watch();
    readonly #screen = new IntersectionObserver((entries) => {
      this.#onScreen = entries.at(-1)?.isIntersecting ?? false;
      this.#watch();
    });

    constructor() {
      super();
      const root = this.attachShadow({ mode: 'open' });
      root.adoptedStyleSheets = [sheet];
      this.#announcer.setAttribute('role', 'status');
      this.#announcer.className = 'unseen';
      root.append(this.#card, this.#announcer);
      root.addEventListener('click', (event) => this.#act(event.target));
    }

    get endpoint(): string | null {
      return this.getAttribute('endpoint');
    }
    set endpoint(endpoint: string | null | undefined) {
      if (endpoint === null || endpoint === undefined) this.removeAttribute('endpoint');
      else this.setAttribute('endpoint', endpoint);
    }

    get getToken(): Connection['getToken'] | undefined {
      return this.#getToken;
    }
    set getToken(getToken: Connection['getToken'] | undefined) {
      this.#getToken = getToken;
      this.#connect();
    }

    get refreshSeconds(): number {
      return refreshSecondsOf(this.getAttribute('refresh-seconds'));
    }
    set refreshSeconds(seconds: number) {
      this.setAttribute('refresh-seconds', String(seconds));
    }

    refresh(): Promise<void> {
      return this.#session.refresh();
    }

    connectedCallback(): void {
      for (const name of PROPERTIES) this.#takeEarlyProperty(name);
      document.addEventListener('visibilitychange', this.#visibility);
      this.#screen.observe(this);
      this.#connect();
      this.#render();
    }

    disconnectedCallback(): void {
      document.removeEventListener('visibilitychange', this.#visibility);
      this.#screen.disconnect();
      this.#onScreen = false;
      this.#stopTicking();
      this.#session.stop();
    }

    attributeChangedCallback(name: string): void {
      if (name === 'endpoint') this.#connect();
      else this.#session.setRefreshSeconds(this.refreshSeconds);
    }

    /** A page that sets a property before this class is there sets it on the plain element. */
    #takeEarlyProperty(name: (typeof PROPERTIES)[number]): void {
      const early = Object.getOwnPropertyDescriptor(this, name);
      if (early === undefined) return;
      Reflect.deleteProperty(this, name);
      Reflect.set(this, name, early.value);
    }

    #connect(): void {
      const { endpoint } = this;
      const getToken = this.#getToken;
      // What a configuration without an address becomes is no address either.
      const usable = endpoint !== null && endpoint !== '' && typeof getToken === 'function';
      this.#session.connectTo(usable ? { endpoint, getToken } : undefined);
    }

    #watch(): void {
      const watched = this.#onScreen && document.visibilityState === 'visible';
      this.#stopTicking();
      this.#session.setWatched(watched);
      if (watched) this.#tick();
    }

    /** Times get older while nothing else changes. */
    #tick(): void {
      this.#render();
      this.#stopTicking = platform.setTimer(() => this.#tick(), TICK_MS);
    }

    #decide(): View {
      return decideView(this.#session.snapshot(), platform.now());
    }

    #render(): void {
      const before = this.#view;
      this.#view = this.#decide();
      patch(this.#card, [layOut(this.#view)]);
      const said = announcement(before, this.#view);
      if (said !== undefined) this.#announcer.textContent = said;
      const { state } = this.#view;
      if (state === before.state) return;
      const detail: StatusEventDetail = { state };
      this.dispatchEvent(new CustomEvent(STATUS_EVENT, { detail, bubbles: true, composed: true }));
    }

    #act(target: EventTarget | null): void {
      const button = target instanceof Element ? target.closest('[data-action]') : null;
      if (button === null || button.getAttribute('aria-disabled') === 'true') return;
      const action = button.getAttribute('data-action');
      if (action === 'refresh') void this.#session.refresh();
      if (action === 'test') void this.#session.test();
      if (action === 'close-test') {
        this.#session.closeTest();
        // The focus would be lost with the button.
        this.#card.querySelector<HTMLElement>('[data-action=test]')?.focus();
      }
    }
  };
}
