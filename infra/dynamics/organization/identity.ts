import * as z from 'zod';
import { guid } from '../../../shared/dataverse/guid.ts';
import type { WebApi } from '../../../shared/dataverse/web-api.ts';
import { read } from './connect.ts';

/** Which organisation answers. */
export interface OrganizationIdentity {
  readonly id: string;
  readonly name: string;
  /** LCID of the base language, such as 1033. */
  readonly languageCode: number;
}

/** @throws DataverseError */
export async function readIdentity(api: WebApi): Promise<OrganizationIdentity> {
  const { OrganizationId: id } = await read(api, 'WhoAmI', z.object({ OrganizationId: guid }));
  const { name, languagecode: languageCode } = await read(
    api,
    `organizations(${id})?$select=name,languagecode`,
    z.object({ name: z.string(), languagecode: z.int() }),
  );
  return { id, name, languageCode };
}
