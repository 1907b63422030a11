import { guidFrom } from '../../entra/random.ts';
import { badQuery, recordNotFound } from '../errors.ts';
import type { Organization } from '../organization.ts';
import { contactAttributes, labelOf } from './attribute-metadata.ts';
import { attributeView } from './attribute-view.ts';
import {
  filterProperties,
  matchesKey,
  readMetadataExpand,
  selectProperties,
} from './metadata-query.ts';

/** The definition of the contact table, the only one that is simulated. */
export function contactDefinition(organization: Organization) {
  const metadataId = guidFrom(`${organization.id} table contact`);
  return {
    metadataId,
    properties: {
      MetadataId: metadataId,
      LogicalName: 'contact',
      SchemaName: 'Contact',
      EntitySetName: 'contacts',
      LogicalCollectionName: 'contacts',
      ObjectTypeCode: 2,
      PrimaryIdAttribute: 'contactid',
      PrimaryNameAttribute: 'fullname',
      OwnershipType: 'UserOwned',
      IsCustomEntity: false,
      IsManaged: true,
      ChangeTrackingEnabled: organization.contactTable.changeTrackingEnabled(),
      CanChangeTrackingBeEnabled: {
        Value: true,
        CanBeChanged: true,
        ManagedPropertyLogicalName: 'canchangetrackingbeenabled',
      },
      DisplayName: labelOf('Contact', 'contact', organization),
    },
  };
}

/** 404 unless the key of `EntityDefinitions(…)` is the contact table's. */
export function requireContactKey(key: string, organization: Organization): void {
  const { metadataId } = contactDefinition(organization);
  if (matchesKey(key, 'contact', metadataId)) return;
  throw recordNotFound('entity', /^LogicalName='([^']*)'$/.exec(key)?.[1] ?? key);
}

/** A table's definition as the Web API returns it; `$expand=Attributes` brings the columns along. */
export function definitionView(
  organization: Organization,
  select: string | null,
  expand: string | null,
): object {
  const { properties } = contactDefinition(organization);
  const expanded = readMetadataExpand(expand).map((expansion) => {
    if (expansion.property !== 'Attributes') {
      throw badQuery(`The navigation property '${expansion.property}' is not simulated.`);
    }
    const attributes = contactAttributes(organization);
    const found = filterProperties(attributes, expansion.filter, 'AttributeMetadata');
    const query = { select: expansion.select, expand: [], cast: undefined };
    return ['Attributes', found.map((attribute) => attributeView(attribute, query))];
  });
  return {
    ...selectProperties(properties, select, 'EntityMetadata'),
    ...Object.fromEntries(expanded),
  };
}
