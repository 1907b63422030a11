/**
 * One organisation's link to its own Dynamics. A value that is passed to whatever needs it: nothing
 * assumes that there is only one, and every cache key, message and row carries the organisation.
 */
export interface DynamicsConnection {
  /** Origin of the Dataverse organisation, without a trailing slash: `https://contoso.crm4.dynamics.com`. */
  readonly orgUrl: string;
  /** Origin of the Entra ID authority, without a trailing slash: `https://login.microsoftonline.com`. */
  readonly authorityUrl: string;
  /** Entra tenant; found out from the organisation when it is not configured. */
  readonly tenantId?: string;
  readonly clientId: string;
  readonly clientSecret: string;
}
