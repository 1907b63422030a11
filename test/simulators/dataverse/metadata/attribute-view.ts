import type { Attribute } from './attribute-metadata.ts';
import { type MetadataExpansion, selectProperties, unknownProperty } from './metadata-query.ts';

/**
 * An attribute as the Web API returns it.
 *
 * @param cast the derived type in the path; only with it are option sets reached
 */
export function attributeView(
  attribute: Attribute,
  query: {
    readonly select: string | null;
    readonly expand: readonly MetadataExpansion[];
    readonly cast: string | undefined;
  },
): object {
  const type = query.cast ?? 'AttributeMetadata';
  const expanded = query.expand.map(({ property, select }) => {
    const optionSet = query.cast === undefined ? undefined : attribute.optionSets[property];
    if (optionSet === undefined) throw unknownProperty(property, type);
    const properties: Readonly<Record<string, unknown>> = { ...optionSet };
    return [property, optionSet && selectProperties(properties, select, 'OptionSetMetadata')];
  });
  return {
    // Without a cast the derived type is said, as it is not the declared one.
    ...(query.cast === undefined && { '@odata.type': `#Microsoft.Dynamics.CRM.${attribute.type}` }),
    ...selectProperties(attribute.properties, query.select, type),
    ...Object.fromEntries(expanded),
  };
}
