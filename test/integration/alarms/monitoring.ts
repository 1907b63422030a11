import { Template } from 'aws-cdk-lib/assertions';
import { alarmsOf } from '../../../infra/local/template/alarms.ts';
import { dashboardsOf } from '../../../infra/local/template/dashboards.ts';
import { interpret } from '../../../infra/local/template/interpret.ts';
import { buildStacks } from '../../unit/infra/build-stacks.ts';

/** Alarms and dashboards of the template, and what it calls the functions: by their folders. */
export function readMonitoring() {
  const template = Template.fromStack(buildStacks().bridge).toJSON();
  const { resources } = interpret(
    [{ stackName: 'Bridge', template, assets: new Map() }],
    {
      DynamicsOrgUrl: 'https://contoso.crm4.dynamics.com',
      DynamicsClientId: '72f988bf-86f1-41af-91ab-2d7cd011db47',
      UpstashRedisRestUrl: 'https://contoso.upstash.io',
      ApiTokenIssuer: 'https://auth.example.test',
      ApiTokenAudience: 'api',
      ApiRequiredScope: 'manage',
    },
    {
      region: 'eu-central-1',
      accountId: '000000000000',
      apiUrl: 'https://api',
      sqsEndpoint: 'https://sqs',
      secretArn: () => undefined,
    },
  );
  const folderOf = (logicalId: string): string | undefined => {
    const { Properties: properties } = template['Resources'][logicalId];
    const tags: readonly { Key: string; Value: string }[] = properties.Tags ?? [];
    return tags.find(({ Key: key }) => key === 'function')?.Value;
  };
  const functionNames = new Map(
    resources
      .filter(({ type }) => type === 'AWS::Lambda::Function')
      .flatMap((resource): [string, string][] => {
        const folder = folderOf(resource.logicalId);
        return folder === undefined ? [] : [[folder, resource.identity().ref]];
      }),
  );
  return { ...alarmsOf(resources), dashboards: dashboardsOf(resources), functionNames };
}
