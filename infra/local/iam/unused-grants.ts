import { record } from '../template/properties.ts';
import { fits } from '../template/wildcard.ts';
import type { AccessPolicies } from './access-policies.ts';

/** An action on a resource, by a role. */
export interface Grant {
  readonly roleArn: string;
  /** `sqs:SendMessage`, in a policy also with `*` and `?`. */
  readonly action: string;
  readonly resourceArn: string;
}

/**
 * What roles may do and have not done: grants that somebody could take away. Pure.
 *
 * @param used with neither `*` nor `?`.
 */
export function unusedGrants(
  { roles }: Pick<AccessPolicies, 'roles'>,
  used: readonly Grant[],
): Grant[] {
  const grants = [...roles].flatMap(([roleArn, policies]) =>
    policies
      .flatMap(({ policy }) => [policy['Statement']].flat())
      .map(record)
      .filter((statement) => statement['Effect'] === 'Allow')
      .flatMap(({ Action: actions, Resource: resources }) =>
        [actions].flat().flatMap((action) =>
          [resources].flat().map((resource) => ({
            roleArn,
            action: String(action),
            resourceArn: String(resource),
          })),
        ),
      ),
  );
  return grants.filter(
    (grant) =>
      !used.some(
        (entry) =>
          entry.roleArn === grant.roleArn &&
          fits(grant.action, entry.action) &&
          fits(grant.resourceArn, entry.resourceArn),
      ),
  );
}
