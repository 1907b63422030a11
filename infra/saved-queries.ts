import { type ILogGroup, QueryDefinition, QueryString } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

/** The folder of CloudWatch Logs Insights that they are in, for every stage: one account holds one stage. */
const FOLDER = 'consenthub-dynamics';

/** Whoever asks puts the id of an event in its place; as it stands it finds nothing. */
const TO_REPLACE = 'the correlationId or eventId';

const QUERIES: Readonly<Record<string, ConstructorParameters<typeof QueryString>[0]>> = {
  'what-went-wrong': {
    filterStatements: ['level in ["WARN", "ERROR"]'],
    statsStatements: [
      'count(*) as lines, max(@timestamp) as newest by service, code, reason, errorName, errorCode, problem',
    ],
    sort: 'lines desc',
  },
  'one-event': {
    fields: [
      '@timestamp',
      'service',
      'code',
      'message',
      'outcome',
      'reason',
      'latencyMs',
      'contactId',
      'patientId',
    ],
    filterStatements: [`correlationId = "${TO_REPLACE}" or eventId = "${TO_REPLACE}"`],
    sort: '@timestamp asc',
  },
  seals: {
    fields: ['@timestamp', 'sealNumber', 'chain'],
    filterStatements: ['code = "AU-001"'],
    sort: 'sealNumber desc',
  },
};

/** What people on call and auditors ask the logs of all functions: `docs/runbook.md`. */
export class SavedQueries extends Construct {
  constructor(scope: Construct, id: string, logGroups: ILogGroup[]) {
    super(scope, id);
    for (const [name, query] of Object.entries(QUERIES)) {
      new QueryDefinition(this, name, {
        queryDefinitionName: `${FOLDER}/${name}`,
        queryString: new QueryString(query),
        logGroups,
      });
    }
  }
}
