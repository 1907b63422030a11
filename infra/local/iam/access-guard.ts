import { runSimulation } from '@cloud-copilot/iam-simulate';
import { randomBytes } from 'node:crypto';
import type { AccessPolicies } from './access-policies.ts';
import {
  type AwsCall,
  neededPermissions,
  type Permission,
  type Place,
} from './needed-permissions.ts';
import { type Grant, unusedGrants } from './unused-grants.ts';

/** Temporary credentials of a role, as the environment variables of a function hold them. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** Why a call is refused, for the service to put into its own words. */
export interface AccessDenial {
  /** `key`: the service may not use the key on the caller's behalf. */
  readonly kind: 'unknown-key' | 'action' | 'key';
  readonly message: string;
}

export interface AccessGuard {
  /** From now on roles may do what these policies say; before, nothing. */
  enforce(policies: AccessPolicies): void;
  /** An access key of its own for somebody who acts as a role. */
  issueCredentials(roleArn: string, sessionName: string): SessionCredentials;
  /**
   * @param authorization header of the request, signed with an access key.
   * @returns undefined if the call is allowed.
   */
  check(call: AwsCall, authorization: string | undefined): Promise<AccessDenial | undefined>;
  /** The same for a role, before it makes the call. */
  checkRole(call: AwsCall, roleArn: string, sessionName: string): Promise<AccessDenial | undefined>;
  /** What the policies grant and nobody has needed so far. */
  unusedGrants(): Grant[];
}

export interface AccessGuardRequest {
  readonly place: Place;
  /** Access key of the account itself, which may do everything. */
  readonly rootAccessKeyId: string;
  /** Told about every call that is refused. */
  onDenied(message: string): void;
}

interface Session {
  readonly roleArn: string;
  readonly principal: string;
}

/** Length of AWS's own: 20 characters, temporary ones begin with ASIA. */
const KEY_ID_BYTES = 8;
const SECRET_BYTES = 30;

/**
 * Decides as IAM does whether a call is allowed: by the policies of the caller's role, of the queue or
 * secret, and of its key. Who calls is told by the access key; the signature is not checked, since everybody here
 * is somebody of this machine.
 */
export function accessGuard(request: AccessGuardRequest): AccessGuard {
  const { place } = request;
  const sessions = new Map<string, Session>();
  const used = new Map<string, Grant>();
  /** The same question has the same answer as long as the policies stay the same. */
  const answers = new Map<string, Promise<string | undefined>>();
  let policies: AccessPolicies = {
    roles: new Map(),
    resources: new Map(),
    encryptionKeys: new Map(),
    secretArns: new Map(),
  };

  const checkSession = async (
    call: AwsCall,
    session: Session,
  ): Promise<AccessDenial | undefined> => {
    const permissions = neededPermissions(call, policies, place);
    if (permissions === undefined) {
      return { kind: 'action', message: `User: ${session.principal} is not authorized to do that` };
    }
    for (const permission of permissions) {
      const question = JSON.stringify([session, permission]);
      const answer = answers.get(question) ?? denial(session, permission, policies, place);
      answers.set(question, answer);
      const message = await answer;
      if (message === undefined) {
        const { action, resourceArn } = permission;
        const entry = { roleArn: session.roleArn, action, resourceArn };
        used.set(Object.values(entry).join(' '), entry);
        continue;
      }
      return { kind: permission.action.startsWith('kms:') ? 'key' : 'action', message };
    }
    return undefined;
  };

  return {
    enforce(next) {
      policies = next;
      answers.clear();
    },
    issueCredentials(roleArn, sessionName) {
      const accessKeyId = `ASIA${randomBytes(KEY_ID_BYTES).toString('hex').toUpperCase()}`;
      sessions.set(accessKeyId, sessionOf(roleArn, sessionName, place));
      return {
        accessKeyId,
        secretAccessKey: randomBytes(SECRET_BYTES).toString('base64'),
        sessionToken: randomBytes(SECRET_BYTES).toString('base64'),
      };
    },
    async check(call, authorization) {
      const accessKeyId = /Credential=([^/]+)\//.exec(authorization ?? '')?.[1];
      if (accessKeyId === request.rootAccessKeyId) return undefined;
      const session = sessions.get(accessKeyId ?? '');
      if (session !== undefined) {
        const denied = await checkSession(call, session);
        if (denied !== undefined) request.onDenied(denied.message);
        return denied;
      }
      const message = 'The security token included in the request is invalid.';
      return { kind: 'unknown-key', message };
    },
    checkRole: (call, roleArn, sessionName) =>
      checkSession(call, sessionOf(roleArn, sessionName, place)),
    unusedGrants: () => unusedGrants(policies, [...used.values()]),
  };
}

function sessionOf(roleArn: string, sessionName: string, { accountId }: Place): Session {
  const roleName = roleArn.split('/').at(-1) ?? '';
  const principal = `arn:aws:sts::${accountId}:assumed-role/${roleName}/${sessionName}`;
  return { roleArn, principal };
}

/** @returns what IAM says if the permission is missing. */
async function denial(
  { roleArn, principal }: Session,
  { action, resourceArn, context }: Permission,
  policies: AccessPolicies,
  { accountId, region }: Place,
): Promise<string | undefined> {
  const resourcePolicy = policies.resources.get(resourceArn);
  const result = await runSimulation(
    {
      request: {
        principal,
        action,
        resource: { resource: resourceArn, accountId },
        contextVariables: {
          // The loopback address stands for what is TLS in AWS.
          'aws:SecureTransport': 'true',
          'aws:RequestedRegion': region,
          ...context,
        },
      },
      identityPolicies: [...(policies.roles.get(roleArn) ?? [])],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(resourcePolicy && { resourcePolicy }),
    },
    {},
  );
  const who = `User: ${principal} is not authorized to perform: ${action} on resource: ${resourceArn}`;
  if (result.resultType === 'error') return `${who}: ${result.errors.message}`;
  switch (result.overallResult) {
    case 'Allowed':
      return undefined;
    case 'ExplicitlyDenied':
      return `${who} with an explicit deny in a policy`;
    case 'ImplicitlyDenied':
      return `${who} because no policy allows the ${action} action`;
  }
}
