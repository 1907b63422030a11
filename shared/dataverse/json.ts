/**
 * Parses an answer of the Web API. `versionnumber` is a 64-bit integer and would lose its last digits
 * as a double, so its digits are kept as they stand in the text (source text access of `JSON.parse`,
 * which TypeScript's library does not describe yet: hence the optional third parameter).
 *
 * @returns undefined if the text is not JSON (half a body, an HTML page, nothing)
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (key, value: unknown, context?: { source?: string }) =>
      key === 'versionnumber' && typeof value === 'number' ? context?.source : value,
    );
  } catch {
    return undefined;
  }
}
