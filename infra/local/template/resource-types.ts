import { createHash } from 'node:crypto';
import { TemplateError } from './template.ts';

/** The one account and region of the local stack, and where its services answer. */
export interface Cloud {
  readonly region: string;
  readonly accountId: string;
  /** Origin of the HTTP API: `http://127.0.0.1:8787`. */
  readonly apiUrl: string;
  /** Origin of SQS, the base of the queue URLs. */
  readonly sqsEndpoint: string;
  /** ARN of a secret that has been created, by its name; undefined before that. */
  secretArn(name: string): string | undefined;
}

/** What a resource is called once it exists: the answers to `Ref` and `Fn::GetAtt`. */
export interface Identity {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface IdentityRequest {
  readonly stackName: string;
  readonly logicalId: string;
  readonly cloud: Cloud;
  /** A property with its intrinsic functions resolved; undefined if the template leaves it out. */
  property(name: string): unknown;
}

type Identify = (request: IdentityRequest) => Identity;

/**
 * Types that the runner executes or gives a name, with their return values ("Return values" of each
 * resource in the CloudFormation reference).
 */
const IDENTIFIED: Readonly<Record<string, Identify>> = {
  'AWS::Lambda::Function': (request) => {
    const name = nameOf(request, 'FunctionName');
    return { ref: name, attributes: { Arn: arn(request.cloud, 'lambda', `function:${name}`) } };
  },
  'AWS::Lambda::Version': (request) => {
    const name = functionName(String(request.property('FunctionName')));
    return {
      ref: `${arn(request.cloud, 'lambda', `function:${name}`)}:1`,
      attributes: { Version: '1' },
    };
  },
  'AWS::Lambda::Alias': (request) => {
    const name = functionName(String(request.property('FunctionName')));
    const qualified = `function:${name}:${String(request.property('Name'))}`;
    return { ref: arn(request.cloud, 'lambda', qualified), attributes: {} };
  },
  'AWS::Lambda::EventSourceMapping': (request) => {
    const id = idFrom(request);
    const mapping = arn(request.cloud, 'lambda', `event-source-mapping:${id}`);
    return { ref: id, attributes: { Id: id, EventSourceMappingArn: mapping } };
  },
  'AWS::SQS::Queue': (request) => {
    const name = nameOf(request, 'QueueName');
    const url = `${request.cloud.sqsEndpoint}/${request.cloud.accountId}/${name}`;
    const queueArn = arn(request.cloud, 'sqs', name);
    return { ref: url, attributes: { Arn: queueArn, QueueName: name, QueueUrl: url } };
  },
  'AWS::SecretsManager::Secret': (request) => {
    const name = nameOf(request, 'Name');
    const secretArn = request.cloud.secretArn(name);
    if (secretArn === undefined) throw new TemplateError(`secret ${name} has not been created yet`);
    return { ref: secretArn, attributes: { Id: secretArn } };
  },
  'AWS::ApiGatewayV2::Api': (request) => {
    const id = idFrom(request);
    return { ref: id, attributes: { ApiEndpoint: request.cloud.apiUrl, ApiId: id } };
  },
  'AWS::ApiGatewayV2::Route': identifiedByRandomId,
  'AWS::ApiGatewayV2::Integration': identifiedByRandomId,
  'AWS::ApiGatewayV2::Authorizer': (request) => {
    const id = idFrom(request);
    return { ref: id, attributes: { AuthorizerId: id } };
  },
  'AWS::ApiGatewayV2::Stage': (request) => ({
    ref: String(request.property('StageName')),
    attributes: {},
  }),
  'AWS::Events::Rule': (request) => {
    const name = nameOf(request, 'Name');
    return { ref: name, attributes: { Arn: arn(request.cloud, 'events', `rule/${name}`) } };
  },
  'AWS::CloudWatch::Alarm': (request) => {
    const name = nameOf(request, 'AlarmName');
    return { ref: name, attributes: { Arn: arn(request.cloud, 'cloudwatch', `alarm:${name}`) } };
  },
  'AWS::CloudWatch::CompositeAlarm': (request) => {
    const name = nameOf(request, 'AlarmName');
    return { ref: name, attributes: { Arn: arn(request.cloud, 'cloudwatch', `alarm:${name}`) } };
  },
  'AWS::CloudWatch::Dashboard': (request) => ({
    ref: nameOf(request, 'DashboardName'),
    attributes: {},
  }),
  'AWS::Lambda::EventInvokeConfig': identifiedByRandomId,
  'Custom::Trigger': identifiedByRandomId,

  // Executed by nobody: roles, policies and permissions are evaluated, encryption at rest is the
  // disk's own matter, and what a function logs goes to a file. Only their names are needed here.
  'AWS::IAM::Role': (request) => {
    const name = nameOf(request, 'RoleName');
    const roleArn = `arn:aws:iam::${request.cloud.accountId}:role/${name}`;
    return { ref: name, attributes: { Arn: roleArn, RoleId: idFrom(request) } };
  },
  'AWS::IAM::Policy': identifiedByRandomId,
  'AWS::IAM::ManagedPolicy': (request) => ({
    ref: `arn:aws:iam::${request.cloud.accountId}:policy/${nameOf(request, 'ManagedPolicyName')}`,
    attributes: {},
  }),
  'AWS::Lambda::Permission': identifiedByRandomId,
  'AWS::SQS::QueuePolicy': identifiedByRandomId,
  'AWS::SNS::Topic': (request) => {
    const name = nameOf(request, 'TopicName');
    const topicArn = arn(request.cloud, 'sns', name);
    return { ref: topicArn, attributes: { TopicArn: topicArn, TopicName: name } };
  },
  'AWS::SNS::TopicPolicy': identifiedByRandomId,
  'AWS::SecretsManager::ResourcePolicy': identifiedByRandomId,
  'AWS::KMS::Key': (request) => {
    const id = idFrom(request);
    return { ref: id, attributes: { Arn: arn(request.cloud, 'kms', `key/${id}`), KeyId: id } };
  },
  'AWS::KMS::Alias': (request) => ({ ref: String(request.property('AliasName')), attributes: {} }),
  'AWS::Logs::LogGroup': (request) => {
    const name = nameOf(request, 'LogGroupName');
    return { ref: name, attributes: { Arn: arn(request.cloud, 'logs', `log-group:${name}:*`) } };
  },
  'AWS::Logs::QueryDefinition': identifiedByRandomId,
  'AWS::CDK::Metadata': identifiedByRandomId,
};

/**
 * What `Ref` and `Fn::GetAtt` give for a resource.
 *
 * @throws TemplateError if the runner does not know the type: it then cannot tell whether leaving it
 * out would matter.
 */
export function identify(type: string, request: IdentityRequest): Identity {
  const identifyType = IDENTIFIED[type];
  if (identifyType === undefined) {
    throw new TemplateError(`the local runner does not know resources of type ${type}`);
  }
  return identifyType(request);
}

/** Name of a function from its name or its ARN, qualified or not. */
export function functionName(nameOrArn: string): string {
  const parts = nameOrArn.split(':');
  return (parts.length === 1 ? parts[0] : parts[6]) ?? nameOrArn;
}

function identifiedByRandomId(request: IdentityRequest): Identity {
  const id = idFrom(request);
  return { ref: id, attributes: { Id: id } };
}

function nameOf(request: IdentityRequest, property: string): string {
  const name = request.property(property);
  return typeof name === 'string' ? name : `${request.stackName}-${request.logicalId}`;
}

function arn(cloud: Cloud, service: string, resource: string): string {
  return `arn:aws:${service}:${cloud.region}:${cloud.accountId}:${resource}`;
}

/** AWS makes these ids up; here they are the same at every start, so that logs can be compared. */
function idFrom(request: IdentityRequest): string {
  const text = `${request.stackName}/${request.logicalId}`;
  return createHash('sha256').update(text).digest('hex').slice(0, 20);
}
