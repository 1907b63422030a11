import type * as z from 'zod';

export type ParsedEvent<T> =
  | { readonly ok: true; readonly event: T }
  | {
      readonly ok: false;
      readonly reason: 'malformed' | 'unknown_version' | 'unknown_type';
      /** Names of the fields that are missing or malformed; none where it is no JSON object. */
      readonly fields: readonly string[];
    };

/** Parses the body of a message with the schema of its queue. Never throws: a body that does not fit is poison. */
export function parseEvent<T>(schema: z.ZodType<T>, body: string): ParsedEvent<T> {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { ok: false, reason: 'malformed', fields: [] };
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return { ok: true, event: parsed.data };
  const wrong = new Set(parsed.error.issues.flatMap(({ path }) => path.slice(0, 1).map(String)));
  const fields = [...wrong];
  const present = (field: string) => typeof json === 'object' && json !== null && field in json;
  if (wrong.has('version') && present('version'))
    return { ok: false, reason: 'unknown_version', fields };
  if (wrong.has('type') && present('type')) return { ok: false, reason: 'unknown_type', fields };
  return { ok: false, reason: 'malformed', fields };
}
