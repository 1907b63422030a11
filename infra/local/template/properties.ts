import type { Resource } from './interpret.ts';
import { isRecord, TemplateError } from './template.ts';

/** A property that has to be there. @throws TemplateError naming the resource and the property */
export function text(resource: Resource, property: string): string {
  const value = resource.properties()[property];
  if (typeof value === 'string') return value;
  throw new TemplateError(`${resource.logicalId}: ${property} is missing`);
}

export function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

export function optionalText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A list of text, empty if it is left out. */
export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

export function optionalNumber(value: unknown): number | undefined {
  return value === undefined ? undefined : Number(value);
}

/**
 * Makes sure that the runner knows every key.
 *
 * @param what completes "the … property X is not supported".
 * @throws TemplateError naming the first key that it does not know: it cannot tell what that would do.
 */
export function onlyKnown(
  resource: Resource,
  properties: Readonly<Record<string, unknown>>,
  known: ReadonlySet<string>,
  what: string,
): void {
  const unsupported = Object.keys(properties).find((key) => !known.has(key));
  if (unsupported === undefined) return;
  throw new TemplateError(
    `${resource.logicalId}: the ${what} property ${unsupported} is not supported`,
  );
}
