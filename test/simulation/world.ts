import { setImmediate as allMicrotasks } from 'node:timers/promises';
import type { FaultRate } from './faults.ts';
import type { Random } from './random.ts';

/** 2030: far from any real time, so that a real clock that slips in is noticed. */
export const START_MS = Date.UTC(2030, 0, 1);

/** Before the first fault the first contact has arrived, so that there is something to lose. */
export const CALM_MS = 4_000;

/** Time, chance and what happens when. One event runs at a time, alone. */
export interface World {
  readonly random: Random;
  /** Milliseconds since 1970, simulated. */
  now(): number;
  /** Faults are over from then on: what is left has to come right by itself. */
  stopFaults(): void;
  readonly faulty: boolean;
  /** Something happens later. A `background` event does not keep the run from being over. */
  after(delayMs: number, run: () => unknown, options?: { background?: boolean }): void;
  /** Which fault befalls the thing called `key`, if any; `label` says what it is. */
  fault<Kind extends string>(key: string, label: string, kinds: readonly Kind[]): Kind | undefined;
  /** Tells of every call to the outside: what it is about, and how long it is under way. */
  onCall(listener: (call: { key: string; label: string; underWayMs: number }) => void): void;
  called(call: { key: string; label: string; underWayMs: number }): void;
  /** Is this part of the script, or was it taken out while shortening? */
  included(key: string): boolean;
  /** One line of the history: no times and no random ids, so that two runs can be compared. */
  note(line: string): void;
  /** An invariant is broken. The run goes on; the first one is reported. */
  violation(invariant: string, detail: string): void;
  /** Events that something waits for. */
  pending(): number;
  /** Runs the next event; false if there is none before `untilMs`. */
  step(untilMs: number): Promise<boolean>;
  readonly history: readonly string[];
  readonly violations: readonly Violation[];
  /** Keys of the actions and faults that happened: what can be taken out. */
  readonly happened: readonly string[];
}

export interface Violation {
  readonly invariant: string;
  readonly detail: string;
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly background: boolean;
  readonly run: () => unknown;
}

export function createWorld(random: Random, rate: FaultRate, left: ReadonlySet<string>): World {
  let nowMs = START_MS;
  let order = 0;
  let over = false;
  let onCall: Parameters<World['onCall']>[0] = () => undefined;
  let events: Event[] = [];
  const history: string[] = [];
  const violations: Violation[] = [];
  const happened: string[] = [];

  const isFaulty = () => !over && nowMs >= START_MS + CALM_MS;

  return {
    random,
    history,
    violations,
    happened,
    now: () => nowMs,
    get faulty() {
      return isFaulty();
    },
    stopFaults() {
      over = true;
    },
    after(delayMs, run, { background = false } = {}) {
      order += 1;
      events.push({ atMs: nowMs + Math.max(0, Math.round(delayMs)), order, background, run });
    },
    fault(key, label, kinds) {
      if (!isFaulty()) return undefined;
      for (const kind of kinds) {
        const name = `${key} ${kind}`;
        if (!random.chance(name, rate(kind, label)) || left.has(name)) continue;
        happened.push(name);
        return kind;
      }
      return undefined;
    },
    onCall(listener) {
      onCall = listener;
    },
    called: (call) => onCall(call),
    included(key) {
      if (left.has(key)) return false;
      happened.push(key);
      return true;
    },
    note: (line) => history.push(line),
    violation: (invariant, detail) => {
      violations.push({ invariant, detail });
      history.push(`!! ${invariant}: ${detail}`);
    },
    pending: () => events.filter(({ background }) => !background).length,
    async step(untilMs) {
      const next = events.reduce<Event | undefined>((first, event) => {
        if (first === undefined || event.atMs < first.atMs) return event;
        return event.atMs === first.atMs && event.order < first.order ? event : first;
      }, undefined);
      if (next === undefined || next.atMs > untilMs) {
        nowMs = Math.max(nowMs, untilMs);
        return false;
      }
      events = events.filter((event) => event !== next);
      nowMs = next.atMs;
      await next.run();
      // The use cases await nothing but what goes through here: afterwards all of them wait again.
      await allMicrotasks();
      return true;
    },
  };
}
