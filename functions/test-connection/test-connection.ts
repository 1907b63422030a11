import type { DynamicsConnection } from '../../shared/dataverse/connection.ts';
import { describeError, type Log } from '../../shared/observability/log.ts';
import { messages } from '../../shared/observability/messages.ts';
import { type Check, runChecks } from '../../shared/connection-test/checks.ts';
import type { Probe } from '../../shared/connection-test/probe.ts';
import { readTestRequest } from './read-request.ts';
import type { TestRecord } from './test-audit.ts';

export interface TestConnectionDependencies {
  /** The configured connection. */
  readonly configured: DynamicsConnection;
  /** The local stack's organisations are on loopback. */
  readonly allowLoopback: boolean;
  readonly openProbe: (connection: DynamicsConnection) => Promise<Probe>;
  readonly audit: (record: TestRecord) => Promise<void>;
  readonly log: Log;
}

export interface TestResponse {
  readonly statusCode: 200 | 400 | 503;
  readonly body:
    | {
        readonly ok: boolean;
        readonly organization: {
          readonly id: string | null;
          readonly name: string | null;
          readonly url: string;
          readonly version: string | null;
        };
        readonly user: { readonly id: string | null };
        readonly checks: readonly Check[];
      }
    | { readonly error: string; readonly message: string; readonly fields?: readonly string[] };
}

/**
 * Tries a connection and says what is wrong with it, in words that an administrator can act on. Stores
 * nothing but an audit row; where that cannot be written, the findings are kept back.
 */
export function createTestConnection(dependencies: TestConnectionDependencies) {
  const { configured, allowLoopback, openProbe, audit, log } = dependencies;

  return async (request: {
    readonly body: string;
    /** `sub` of the caller's token. */
    readonly subject: string;
  }): Promise<TestResponse> => {
    const { subject } = request;
    const { authorityUrl } = configured;
    const asked = readTestRequest(request.body, { authorityUrl, allowLoopback });
    if (asked.kind === 'malformed') {
      const record = { subject, outcome: 'rejected', credentials: 'given' } as const;
      const { fields: failed, message } = asked;
      return recorded(
        { ...record, orgUrl: null, dataverseOrganizationId: null, failed },
        { statusCode: 400, body: { error: 'malformed', message, fields: failed } },
      );
    }
    const connection = asked.kind === 'given' ? asked.connection : configured;
    const { organization, user, checks } = await runChecks(() => openProbe(connection));
    const failed = checks.filter(({ ok }) => !ok).map(({ name }) => name);
    const ok = failed.length === 0;
    const { orgUrl: url } = connection;
    return recorded(
      {
        subject,
        outcome: ok ? 'passed' : 'failed',
        orgUrl: url,
        dataverseOrganizationId: organization.id,
        credentials: asked.kind,
        failed,
      },
      { statusCode: 200, body: { ok, organization: { ...organization, url }, user, checks } },
    );
  };

  async function recorded(record: TestRecord, response: TestResponse): Promise<TestResponse> {
    try {
      await audit(record);
    } catch (error) {
      log(messages.testNotAudited, describeError(error));
      return {
        statusCode: 503,
        body: {
          error: 'unavailable',
          message: 'The test could not be put on record, so its outcome is not shown. Try again.',
        },
      };
    }
    log(messages.connectionTested, { outcome: record.outcome, fields: record.failed });
    return response;
  }
}
