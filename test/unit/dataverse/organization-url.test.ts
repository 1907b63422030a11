import { describe, expect, test } from 'vitest';
import {
  InvalidUrl,
  parseAuthorityUrl,
  parseOrganizationUrl,
} from '../../../shared/dataverse/organization-url.ts';

describe('an organisation URL', () => {
  test.each([
    ['https://contoso.crm.dynamics.com', 'https://contoso.crm.dynamics.com'],
    ['https://contoso.crm4.dynamics.com/', 'https://contoso.crm4.dynamics.com'],
    ['https://Contoso-Test.CRM22.dynamics.com', 'https://contoso-test.crm22.dynamics.com'],
    ['https://contoso.crm9.dynamics.com', 'https://contoso.crm9.dynamics.com'],
    ['https://contoso.crm.microsoftdynamics.us', 'https://contoso.crm.microsoftdynamics.us'],
    ['https://contoso.crm.appsplatform.us', 'https://contoso.crm.appsplatform.us'],
    ['https://contoso.crm.dynamics.cn', 'https://contoso.crm.dynamics.cn'],
    ['https://contoso.crm.microsoftdynamics.de', 'https://contoso.crm.microsoftdynamics.de'],
  ])('%s is taken', (text, origin) => {
    expect(parseOrganizationUrl(text)).toBe(origin);
  });

  test.each([
    ['http://contoso.crm4.dynamics.com', 'https://'],
    ['https://crm4.dynamics.com', 'host of Microsoft Dynamics'],
    ['https://contoso.api.crm4.dynamics.com', 'host of Microsoft Dynamics'],
    ['https://contoso.crm4.dynamics.com.example.org', 'host of Microsoft Dynamics'],
    ['https://contoso.crm4.dynamics.com.', 'host of Microsoft Dynamics'],
    ['https://contosocrm4.dynamics.com', 'host of Microsoft Dynamics'],
    ['https://contoso.crm123.dynamics.com', 'host of Microsoft Dynamics'],
    ['https://contoso.crm4.microsoftdynamics.us', 'host of Microsoft Dynamics'],
    ['https://example.org', 'host of Microsoft Dynamics'],
    ['https://user:pass@contoso.crm4.dynamics.com', 'credentials'],
    ['https://contoso.crm4.dynamics.com:8443', 'port'],
    ['https://contoso.crm4.dynamics.com/main.aspx', 'path'],
    ['https://contoso.crm4.dynamics.com/?a=b', 'path'],
    ['https://contoso.crm4.dynamics.com/#a', 'path'],
    ['https://contoso.crm4.dyna\nmics.com', 'not a URL'],
    ['contoso.crm4.dynamics.com', 'not a URL'],
    ['', 'not a URL'],
    ['http://127.0.0.1:8080', 'loopback'],
    ['https://localhost', 'loopback'],
  ])('%s is refused', (text, reason) => {
    const parse = () => parseOrganizationUrl(text);
    expect(parse).toThrow(InvalidUrl);
    expect(parse).toThrow(reason);
  });

  test.each([
    'http://127.0.0.1:8080',
    'https://localhost:8443',
    'http://[::1]:80',
    'http://127.8.9.1',
  ])('%s is taken where loopback is allowed', (text) => {
    expect(parseOrganizationUrl(text, { allowLoopback: true })).toBe(new URL(text).origin);
  });

  test.each([
    'http://contoso.crm4.dynamics.com',
    'http://127.0.0.1.example.org',
    'ftp://127.0.0.1',
  ])('%s is refused even where loopback is allowed', (text) => {
    expect(() => parseOrganizationUrl(text, { allowLoopback: true })).toThrow(InvalidUrl);
  });

  test('the error does not repeat a password that stands in the URL', () => {
    expect(() => parseOrganizationUrl('https://user:hunter2@example.org')).toThrow(
      /^(?!.*hunter2)/,
    );
  });
});

describe('an authority URL', () => {
  test.each([
    'https://login.microsoftonline.com',
    'https://login.microsoftonline.us',
    'https://login.partner.microsoftonline.cn',
    'https://login.chinacloudapi.cn',
  ])('%s is taken', (text) => {
    expect(parseAuthorityUrl(`${text}/`)).toBe(text);
  });

  test.each([
    'https://login.microsoftonline.com/common',
    'https://login.microsoftonline.com.example.org',
    'https://evil.login.microsoftonline.com',
    'http://login.microsoftonline.com',
    'http://127.0.0.1:1',
  ])('%s is refused', (text) => {
    expect(() => parseAuthorityUrl(text)).toThrow(InvalidUrl);
  });
});
