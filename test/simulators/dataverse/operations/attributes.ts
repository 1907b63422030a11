import { requireContactKey } from '../metadata/entity-metadata.ts';
import type { WebApiRequest } from '../operation.ts';
import type { Organization } from '../organization.ts';

/** `/Microsoft.Dynamics.CRM.<type>` at the end of a path: only rows of the derived type. */
const cast = String.raw`(?:\/Microsoft\.Dynamics\.CRM\.(\w+AttributeMetadata))?`;

export const attributesPath = new RegExp(
  String.raw`^EntityDefinitions\(([^()]*)\)\/Attributes${cast}$`,
);
export const attributePath = new RegExp(
  String.raw`^EntityDefinitions\(([^()]*)\)\/Attributes\(([^()]*)\)${cast}$`,
);

/** Checks the table in the path (404), and gives the groups that come after it; empty ones as undefined. */
export function afterTable(
  request: WebApiRequest,
  organization: Organization,
): readonly (string | undefined)[] {
  const [table = '', ...rest] = request.groups;
  requireContactKey(table, organization);
  return rest.map((group) => (group === '' ? undefined : group));
}
