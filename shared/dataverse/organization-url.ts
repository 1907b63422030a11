import { LoggableError } from '../errors/loggable-error.ts';

/**
 * Hosts under which Microsoft runs Dataverse organisations ("Datacenter regions" and "US Government
 * clouds" of the Power Platform documentation): commercial regions `crm` to `crm22` (`crm9` is GCC),
 * GCC High, DoD, China, Germany. Exactly one label stands before the suffix: the organisation's name.
 */
const ORGANIZATION_HOST =
  /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.crm(?:[0-9]{0,2}\.dynamics\.com|\.microsoftdynamics\.us|\.appsplatform\.us|\.dynamics\.cn|\.microsoftdynamics\.de)$/;

/** Entra ID's authorities: worldwide, US Government, China (current and former host). */
const AUTHORITY_HOSTS = new Set([
  'login.microsoftonline.com',
  'login.microsoftonline.us',
  'login.partner.microsoftonline.cn',
  'login.chinacloudapi.cn',
]);

const LOOPBACK_HOST = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

/** A URL in the configuration that must not be used. The message says why and never repeats the URL. */
export class InvalidUrl extends LoggableError {
  override readonly name = 'InvalidUrl';
}

interface UrlRules {
  /** Local stack and tests only: a simulator on loopback, over plain http too. */
  readonly allowLoopback?: boolean;
}

/**
 * Checks a Dataverse organisation URL and returns its origin, without a trailing slash. The token
 * of the connection is sent there, so nothing but Microsoft's own hosts is taken.
 *
 * @throws InvalidUrl
 */
export function parseOrganizationUrl(text: string, rules: UrlRules = {}): string {
  const url = parseOrigin(text, 'The Dynamics organisation URL', rules);
  if (isLoopback(url) || ORGANIZATION_HOST.test(url.hostname)) return url.origin;
  throw new InvalidUrl(
    'The Dynamics organisation URL is not on a host of Microsoft Dynamics: expected something like https://contoso.crm4.dynamics.com',
  );
}

/**
 * Checks an Entra ID authority and returns its origin, without a trailing slash. The client secret is
 * posted there.
 *
 * @throws InvalidUrl
 */
export function parseAuthorityUrl(text: string, rules: UrlRules = {}): string {
  const url = parseOrigin(text, 'The authority URL', rules);
  if (isLoopback(url) || AUTHORITY_HOSTS.has(url.hostname)) return url.origin;
  throw new InvalidUrl(
    `The authority URL is not a host of Entra ID: expected one of ${[...AUTHORITY_HOSTS].join(', ')}`,
  );
}

function parseOrigin(text: string, what: string, { allowLoopback = false }: UrlRules): URL {
  // The URL parser drops tabs and line breaks silently: what is used has to be what was read.
  const url = /\s/.test(text) ? null : URL.parse(text);
  if (url === null) throw new InvalidUrl(`${what} is not a URL`);
  if (url.username !== '' || url.password !== '') {
    throw new InvalidUrl(`${what} must not contain credentials`);
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new InvalidUrl(`${what} must end after the host, without path or query`);
  }
  if (isLoopback(url)) {
    if (!allowLoopback) throw new InvalidUrl(`${what} must not be on loopback`);
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new InvalidUrl(`${what} must start with http:// or https://`);
    }
    return url;
  }
  if (url.protocol !== 'https:') throw new InvalidUrl(`${what} must start with https://`);
  if (url.port !== '') throw new InvalidUrl(`${what} must not name a port`);
  return url;
}

/** Whether a URL stays on this machine. A database URL can name its real host in a parameter. */
export function isLoopbackUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null) return false;
  const hosts = [url.hostname, ...url.searchParams.getAll('host')];
  return hosts.every((host) => LOOPBACK_HOST.test(host));
}

function isLoopback(url: URL): boolean {
  return LOOPBACK_HOST.test(url.hostname);
}
