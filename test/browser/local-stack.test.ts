import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningStack, startRunningStack } from '../e2e/running-stack.ts';
import { launchChromium, WITHOUT_CHROMIUM } from '../support/chromium.ts';
import { bundlePages } from './pages.ts';

/** An origin whose pages may call the local stack. Nothing listens there: the browser is given the files. */
const ORIGIN = 'http://localhost:3000';

const chromium = await launchChromium();
let stack: RunningStack | undefined;

beforeAll(async () => {
  if (chromium !== undefined) stack = await startRunningStack();
});
afterAll(async () => {
  await chromium?.close();
  await stack?.close();
});

test('a page of another origin shows the running system, tests it, and says what a refused token is', async ({
  skip,
}) => {
  if (chromium === undefined || stack === undefined) return skip(WITHOUT_CHROMIUM);
  const { details } = stack;
  const files = new Map(Object.entries(await bundlePages()));
  // Before a page may call a loopback address the browser asks whoever sits there.
  const context = await chromium.newContext({ permissions: ['local-network-access'] });
  const page = await context.newPage();
  await page.route(`${ORIGIN}/**`, async (route) => {
    const file = files.get(new URL(route.request().url()).pathname);
    if (file === undefined) return route.fulfill({ status: 404 });
    const body = file.body
      .replace('endpoint="/"', `endpoint="${details.apiUrl}"`)
      .replace('operator-token', details.operatorToken);
    return route.fulfill({ contentType: file.type, body });
  });
  await page.goto(`${ORIGIN}/plain`);
  const element = page.locator('dynamics-connection-status');
  await element.getByText('Connected', { exact: true }).waitFor();
  const link = page.getByRole('link', { name: new URL(details.dataverseUrl).host });
  expect(await link.getAttribute('href')).toBe(`${details.dataverseUrl}/`);

  await page.getByRole('button', { name: 'Test connection' }).click();
  const region = page.getByRole('region', { name: 'Connection test' });
  await region.getByText('All checks passed.').waitFor();
  const checks = await region.getByRole('listitem').locator('.message').allTextContents();
  expect(checks).toEqual([
    'Passed: Sign in to Entra ID',
    'Passed: Reach the organisation',
    'Passed: Read contacts',
    'Passed: Change contacts',
    'Passed: Columns for consents',
    'Passed: Change tracking',
    'Passed: Webhooks',
  ]);

  // The gateway refuses without CORS headers, so that a page of another origin cannot see why.
  await element.evaluate((node, token) => {
    if ('getToken' in node) node.getToken = () => token;
  }, details.patientToken);
  await page.getByRole('button', { name: 'Refresh' }).click();
  await element.getByText('No answer', { exact: true }).waitFor();
  await element.getByText(/sign in again/).waitFor();
});
