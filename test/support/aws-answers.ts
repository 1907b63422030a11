import { vi } from 'vitest';

/** Answers in the forms that the API references of STS and CloudFormation give them. */

export const CALLER = 'arn:aws:iam::111122223333:user/grace';

export const respond = (statusCode: number, content: string, type = 'text/xml') => ({
  statusCode,
  headers: { 'content-type': type },
  body: Buffer.from(content),
});

export const callerIdentity = () =>
  respond(
    200,
    `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
      <Arn>${CALLER}</Arn><Account>111122223333</Account><UserId>AIDA</UserId>
    </GetCallerIdentityResult></GetCallerIdentityResponse>`,
  );

/** Of the stage `prod`. */
export function describedStack(name: string, outputs: Readonly<Record<string, string>>) {
  const members = Object.entries(outputs).map(
    ([key, value]) =>
      `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  return respond(
    200,
    `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks>
      <member><StackName>${name}</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>
        <CreationTime>2026-11-22T10:00:00Z</CreationTime>
        <Tags><member><Key>stage</Key><Value>prod</Value></member></Tags>
        <Outputs>${members.join('')}</Outputs>
      </member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
  );
}

export const stackError = (statusCode: number, code: string, message: string) =>
  respond(
    statusCode,
    `<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type>
      <Code>${code}</Code><Message>${message}</Message>
    </Error><RequestId>1</RequestId></ErrorResponse>`,
  );

/** Has the clients of this process ask `url`, with credentials; `vi.unstubAllEnvs` ends it. */
export function stubAws(url: string): void {
  vi.stubEnv('AWS_ENDPOINT_URL', url);
  vi.stubEnv('AWS_REGION', 'eu-central-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'example');
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
}
