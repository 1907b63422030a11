import type { MappingDefinition } from '../template/definitions.ts';
import type { EventSource } from './event-source.ts';

/** `State` of `EventSourceMappingConfiguration` in the Lambda API reference, as far as it occurs here. */
export type MappingState = 'Creating' | 'Enabled' | 'Disabling' | 'Disabled';

/** An event source mapping that can be turned off and on while the stack runs. */
export interface ManagedMapping {
  readonly definition: MappingDefinition;
  readonly state: () => MappingState;
  /** Polls, if it does not yet. */
  enable(): void;
  /** Receives no more; what is in hand is dealt with before it is `Disabled`. */
  disable(): void;
  /** The same, for good; resolves when nothing is in hand. */
  stop(): Promise<void>;
}

/** @param start begins to poll */
export function manageMapping(
  definition: MappingDefinition,
  start: () => EventSource,
): ManagedMapping {
  let state: MappingState = 'Creating';
  let source: EventSource | undefined;
  let ending: Promise<void> = Promise.resolve();

  function disable(): void {
    if (source === undefined) return;
    state = 'Disabling';
    const stopping = source;
    source = undefined;
    ending = end(stopping);
  }

  async function end(stopping: EventSource): Promise<void> {
    await stopping.stop();
    state = 'Disabled';
  }

  return {
    definition,
    state: () => state,
    enable() {
      if (source !== undefined) return;
      source = start();
      state = 'Enabled';
    },
    disable,
    async stop() {
      disable();
      await ending;
    },
  };
}
