// The type definitions lag behind the runtime here.
declare global {
  interface JSON {
    rawJSON(text: string): unknown;
  }
}

/** A JSON number with all its digits: 64-bit integers do not survive a double. */
export function jsonInteger(value: bigint): unknown {
  return JSON.rawJSON(value.toString());
}
