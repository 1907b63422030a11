import type { Resource } from './interpret.ts';
import { onlyKnown, optionalText, text } from './properties.ts';
import { functionName } from './resource-types.ts';
import { fits } from './wildcard.ts';

const PERMISSION_PROPERTIES = new Set(['Action', 'FunctionName', 'Principal', 'SourceArn']);

/** Who calls a function, and on whose behalf. */
export interface Caller {
  /** The route, rule or the like that leads to the call. */
  readonly owner: Resource;
  /** `apigateway.amazonaws.com` */
  readonly service: string;
  readonly sourceArn: string;
}

/** What to tell about a caller that may not invoke a function; undefined if it may. */
export type MissingPermission = (caller: Caller, name: string) => string | undefined;

/**
 * Whether a service may invoke a function. A deployment without the permission succeeds, and then
 * every call fails: API Gateway answers 500, EventBridge drops its event.
 *
 * @param permissions `AWS::Lambda::Permission`
 * @returns what to tell about it if none of them lets the caller in.
 * @throws TemplateError for a permission that would be evaluated differently in AWS.
 */
export function missingInvokePermission(
  { owner, service, sourceArn }: Caller,
  name: string,
  permissions: readonly Resource[],
): string | undefined {
  const allowed = permissions.some((permission) => {
    const properties = permission.properties();
    onlyKnown(permission, properties, PERMISSION_PROPERTIES, 'permission');
    return (
      functionName(text(permission, 'FunctionName')) === name &&
      fits(text(permission, 'Action'), 'lambda:InvokeFunction') &&
      text(permission, 'Principal') === service &&
      fits(optionalText(properties['SourceArn']) ?? '*', sourceArn)
    );
  });
  if (allowed) return undefined;
  return (
    `${owner.logicalId}: ${service} may not invoke ${name} for ${sourceArn}, ` +
    'no AWS::Lambda::Permission says so'
  );
}
