import * as z from 'zod';
import type { DynamicsConnection } from '../../../shared/dataverse/connection.ts';
import { CommandError } from '../../command-line/command-error.ts';
import { connectOrganization } from '../../dynamics/organization/connect.ts';
import { readIdentity } from '../../dynamics/organization/identity.ts';
import { withPrivileges } from '../../dynamics/organization/privileges.ts';
import { type OrganizationState, readState } from '../../dynamics/organization/read-state.ts';
import { createExecutor } from '../../dynamics/setup/execute.ts';
import type { PlanItem, Wanted } from '../../dynamics/setup/plan.ts';

/** What signs in Dynamics, or shows the secret in a header. */
export interface SigningSide {
  /** Of the organisation. */
  readonly name: string;
  /** Undefined where nobody may read it. */
  readonly readUsed: () => Promise<string | undefined>;
  readonly use: (secret: string) => Promise<void>;
}

/** The shape is agreed with `infra/dynamics/plugin`. */
const secureConfig = z.object({ secret: z.string() });

/**
 * @throws CommandError if nothing was set up in the organisation
 * @throws DataverseError
 */
export async function openSigningSide(
  connection: DynamicsConnection,
  webhookUrl: string,
): Promise<SigningSide> {
  const { api } = await connectOrganization(connection);
  const { name, languageCode } = await readIdentity(api);
  const read = () => withPrivileges('Reading what is there', () => readState(api));
  const authentication = authenticationOf(await read());
  return {
    name,
    async readUsed() {
      return authentication === 'signature' ? secretOf(await read()) : undefined;
    },
    async use(secret) {
      const wanted: Wanted = {
        authentication,
        assembly: undefined,
        assemblyRemedy: '',
        webhook: { url: webhookUrl, secret },
        renewSecret: true,
      };
      const item: PlanItem =
        authentication === 'signature'
          ? { part: 'secure configuration', name: 'of the steps', action: 'change' }
          : { part: 'endpoint', name: 'with the secret', action: 'change' };
      const execute = createExecutor({
        api,
        state: await read(),
        wanted,
        languageCode,
        // The row of the organisation is no part of a rotation.
        writeRow: async () => undefined,
      });
      await withPrivileges(item.part, () => execute(item));
    },
  };
}

/** @throws CommandError */
function authenticationOf({ steps, endpoint }: OrganizationState): Wanted['authentication'] {
  if (steps.size === 0) {
    throw new CommandError('Nothing is registered in Dynamics yet: npm run dynamics -- setup');
  }
  const byEndpoint = [...steps.values()].some(
    ({ handlerId }) => handlerId !== null && handlerId === endpoint?.id,
  );
  return byEndpoint ? 'header' : 'signature';
}

function secretOf({ secureConfig: found }: OrganizationState): string | undefined {
  if (found?.text === undefined) return undefined;
  try {
    return secureConfig.safeParse(JSON.parse(found.text)).data?.secret;
  } catch {
    return undefined;
  }
}
