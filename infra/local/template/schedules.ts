import type { ScheduleDefinition } from './definitions.ts';
import type { Resource } from './interpret.ts';
import type { MissingPermission } from './invoke-permissions.ts';
import { onlyKnown, optionalText, record, text } from './properties.ts';
import { TemplateError } from './template.ts';

const RULE_PROPERTIES = new Set([
  'Description',
  'Name',
  'ScheduleExpression',
  'State',
  'Tags',
  'Targets',
]);
const TARGET_PROPERTIES = new Set(['Arn', 'Id', 'Input', 'RetryPolicy']);

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = {
  minute: 60,
  hour: 3600,
  day: 86_400,
};
const RATE = /^rate\((?<count>[1-9]\d*) (?<unit>minute|hour|day)s?\)$/;

/**
 * Schedules of EventBridge rules, one for each target.
 *
 * @param rules enabled or not; the disabled ones are left out.
 * @param known name of a function, after making sure that there is one.
 * @throws TemplateError for what the runner would do differently from EventBridge.
 */
export function schedulesOf(
  rules: readonly Resource[],
  known: (owner: Resource, nameOrArn: string) => string,
  missingPermission: MissingPermission,
): ScheduleDefinition[] {
  return rules
    .filter((rule) => rule.properties()['State'] !== 'DISABLED')
    .flatMap((rule) => {
      const properties = rule.properties();
      onlyKnown(rule, properties, RULE_PROPERTIES, 'rule');
      const expression = text(rule, 'ScheduleExpression');
      const targets: unknown[] = Array.isArray(properties['Targets']) ? properties['Targets'] : [];
      return targets.map((target): ScheduleDefinition => {
        const details = record(target);
        onlyKnown(rule, details, TARGET_PROPERTIES, 'target');
        const name = known(rule, String(details['Arn']));
        const ruleArn = rule.identity().attributes['Arn'] ?? '';
        const caller = { owner: rule, service: 'events.amazonaws.com', sourceArn: ruleArn };
        return {
          logicalId: rule.logicalId,
          ruleArn,
          expression,
          everySeconds: secondsOf(rule, expression),
          functionName: name,
          missingPermission: missingPermission(caller, name),
          input: optionalText(details['Input']),
        };
      });
    });
}

function secondsOf(rule: Resource, expression: string): number {
  const { count, unit } = RATE.exec(expression)?.groups ?? {};
  const unitSeconds = SECONDS_PER_UNIT[unit ?? ''];
  if (unitSeconds !== undefined) return Number(count) * unitSeconds;
  throw new TemplateError(
    `${rule.logicalId}: the schedule ${expression} is not supported, only rate(…) is`,
  );
}
