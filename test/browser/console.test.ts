import { mkdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SYSTEM_CLOCK } from '../../infra/local/clock.ts';
import { type CloudWatch, startCloudWatch } from '../../infra/local/cloudwatch/cloudwatch.ts';
import type { ConsoleServer } from '../../infra/local/console/console-server.ts';
import { startConsole } from '../../infra/local/console/console.ts';
import { PATIENCE_MS, type RunningStack, startRunningStack } from '../e2e/running-stack.ts';
import { launchChromium, WITHOUT_CHROMIUM } from '../support/chromium.ts';
import { seriousViolations } from './axe.ts';

const SCREENSHOTS = fileURLToPath(new URL('../../.local/screenshots/', import.meta.url));
const SIZES = { narrow: 360, wide: 1440 };
const HEIGHT = 900;
const MINUTE_MS = 60_000;

const chromium = await launchChromium();
let running: {
  readonly stack: RunningStack;
  readonly console: ConsoleServer;
  readonly clock: ReturnType<typeof movedClock>;
  readonly context: BrowserContext;
  readonly page: Page;
  /** Of every request that the page has made. */
  readonly origins: Set<string>;
  /** What the page has complained about. */
  readonly complaints: string[];
};
const opened = new AsyncDisposableStack();

beforeAll(async () => {
  if (chromium === undefined) return;
  await mkdir(SCREENSHOTS, { recursive: true });
  const stack = await startRunningStack();
  opened.defer(() => stack.close());
  const clock = movedClock();
  const cloudwatch = await followStack(stack, clock);
  const console = await consoleOf(stack, cloudwatch.url);
  const context = await chromium.newContext({
    reducedMotion: 'reduce',
    viewport: { width: SIZES.wide, height: HEIGHT },
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const origins = new Set<string>();
  const complaints: string[] = [];
  page.on('request', (request) => {
    const url = new URL(request.url());
    // The empty icon is part of the page.
    if (url.protocol !== 'data:') origins.add(url.origin);
  });
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    // On a slow machine a status misses its deadline now and then: the browser tells of each 503.
    const ofStatus = message.location().url.endsWith('/api/dynamics/status');
    if (!ofStatus || !message.text().includes('503')) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  running = { stack, console, clock, context, page, origins, complaints };
  // The card of the connection asks once a minute: its first question is for a container that is warm.
  await stack.untilStatusAnswers(200);
  await page.goto(console.url);
});
afterAll(async () => {
  await chromium?.close();
  await opened.disposeAsync();
});

/** The system's clock, put forward as far as a test wants, and its beats in the test's hands. */
function movedClock() {
  let aheadMs = 0;
  const beats = new Set<() => void>();
  return {
    now: () => new Date(Date.now() + aheadMs),
    every(_intervalMs: number, beat: () => void): Disposable {
      beats.add(beat);
      return { [Symbol.dispose]: () => beats.delete(beat) };
    },
    after: (delayMs: number, callback: () => void) => SYSTEM_CLOCK.after(delayMs, callback),
    move(ms: number): void {
      aheadMs += ms;
      for (const beat of beats) beat();
    },
  };
}

/** CloudWatch once more, over the same template and the same functions' logs, by a clock that moves. */
async function followStack(
  { stack }: RunningStack,
  clock: ReturnType<typeof movedClock>,
): Promise<CloudWatch> {
  const cloudwatch = await startCloudWatch({
    ...stack.deployment,
    clock,
    measureQueues: () => [],
    onTransition: () => undefined,
  });
  opened.defer(() => cloudwatch.close());
  opened.use(cloudwatch.serve(stack.cloud.functions.map(({ log }) => log)));
  return cloudwatch;
}

async function consoleOf(
  { stack, details }: RunningStack,
  cloudwatchUrl: string,
): Promise<ConsoleServer> {
  const { dataverseControlUrl = '', entraControlUrl = '' } = details;
  const started = await startConsole({
    details: { ...details, cloudwatchUrl },
    dataverseControlUrl,
    entraControlUrl,
    queues: stack.deployment.queues,
    logs: stack.cloud.functions.map(({ log }) => log),
    clock: SYSTEM_CLOCK,
  });
  opened.defer(() => started.close());
  return started;
}

const contacts = (page: Page) => page.getByRole('list', { name: 'Contacts' });
const patients = (page: Page) => page.getByRole('list', { name: 'Patients' });
const events = (page: Page) => page.getByRole('list', { name: /^Events/ });
const cardOf = (list: ReturnType<typeof contacts>, name: string) =>
  list.getByRole('listitem').filter({ has: list.page().getByRole('heading', { name }) });

async function createContact(page: Page, firstName: string, lastName: string): Promise<void> {
  await page.getByRole('button', { name: 'New contact' }).click();
  const dialog = page.getByRole('dialog', { name: 'New contact' });
  await dialog.getByLabel('First name').fill(firstName);
  await dialog.getByLabel('Last name').fill(lastName);
  await dialog.getByLabel('Email').fill(`${firstName.toLowerCase()}@example.test`);
  await dialog.getByRole('button', { name: 'Save in Dynamics' }).click();
}

async function grant(page: Page, name: string, channel: string, expires: string): Promise<void> {
  await page.getByRole('button', { name: `Grant ${name}` }).click();
  const dialog = page.getByRole('dialog', { name: `Grant a consent of ${name}` });
  await dialog.getByLabel('Marketing by').selectOption(channel);
  await dialog.getByLabel('Ends').selectOption(expires);
  await dialog.getByRole('button', { name: 'Grant in ConsentHub' }).click();
}

/** Charts follow the width of the page with the next frame. */
const drawnAnew = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<void>((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
      }),
  );

/** Pictures in light and dark, narrow and wide; nothing sticks out, and axe finds nothing serious. */
async function picture(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const [size, width] of Object.entries(SIZES)) {
      await page.setViewportSize({ width, height: HEIGHT });
      await drawnAnew(page);
      const tooWide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(tooWide, `${name} at ${width} px`).toBe(0);
      expect(await seriousViolations(page)).toEqual([]);
      const path = `${SCREENSHOTS}console-${name}-${colorScheme}-${size}.png`;
      await page.screenshot({ path, fullPage: true, animations: 'disabled' });
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

test('the console of the stack is in its file, and a stranger is told what he sees', async ({
  skip,
}) => {
  if (chromium === undefined) return skip(WITHOUT_CHROMIUM);
  const { stack, page } = running;
  expect(stack.details.consoleUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const served = await fetch(stack.details.consoleUrl ?? '');
  expect(await served.text()).toContain('ConsentHub ↔ Dynamics 365');
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByText(/Demonstration data only/).waitFor();
  await page.getByText('No contacts yet. Create one and watch it become a patient.').waitFor();
  await page.getByText('No patients yet. They come from Dynamics.').waitFor();
  await page.getByText('Nothing is due: both sides agree.').waitFor();
  const connected = page.locator('dynamics-connection-status').getByText('Connected').first();
  // The second question of a card comes a minute after its first.
  await connected.waitFor({ timeout: 2 * PATIENCE_MS });
  await picture(page, 'empty');
});

test('a contact that is created becomes a patient, with its latency, without reloading', async ({
  skip,
}) => {
  if (chromium === undefined) return skip(WITHOUT_CHROMIUM);
  const { page } = running;
  await createContact(page, 'Ada', 'Fictitious');
  await cardOf(contacts(page), 'Ada Fictitious').waitFor();
  await cardOf(patients(page), 'Ada Fictitious').waitFor();
  const event = events(page).getByRole('listitem').filter({ hasText: 'contact.created' });
  await event.filter({ hasText: 'Ada Fictitious' }).filter({ hasText: 'done' }).waitFor();
  expect(await event.locator('.latency').textContent()).toMatch(/^[\d.,]+ m?s$/);
  await page.getByRole('cell', { name: 'patient_created' }).waitFor();
});

test('what a user changes in Dynamics shows in ConsentHub, markup as text', async ({ skip }) => {
  if (chromium === undefined) return skip(WITHOUT_CHROMIUM);
  const { page } = running;
  await page.getByRole('button', { name: 'Change Ada Fictitious' }).click();
  const dialog = page.getByRole('dialog', { name: 'Change Ada Fictitious' });
  await dialog.getByLabel('First name').fill('<b>Adele</b>');
  await dialog.getByRole('button', { name: 'Save in Dynamics' }).click();
  await cardOf(patients(page), '<b>Adele</b> Fictitious').waitFor();
  await page.getByRole('button', { name: 'Change <b>Adele</b> Fictitious' }).click();
  await page.getByLabel('First name').fill('Adele');
  await page.keyboard.press('Enter');
  await cardOf(patients(page), 'Adele Fictitious').waitFor();
});

test('a consent that is granted shows on the contact until it ends, and goes when it is revoked', async ({
  skip,
}) => {
  if (chromium === undefined) return skip(WITHOUT_CHROMIUM);
  const { page } = running;
  const contact = cardOf(contacts(page), 'Adele Fictitious');
  await contact.getByText('Shows no consent').waitFor();
  await grant(page, 'Adele Fictitious', 'SMS', 'tomorrow');
  await contact.getByText('SMS', { exact: true }).waitFor();
  await contact.getByText(/^until /).waitFor();
  await grant(page, 'Adele Fictitious', 'email', 'never');
  await contact.getByText('email', { exact: true }).waitFor();
  await events(page).getByText('consent.granted').first().waitFor();
  await page.getByRole('button', { name: 'Revoke SMS of Adele Fictitious' }).click();
  await contact.getByText('SMS', { exact: true }).waitFor({ state: 'detached' });
  await cardOf(patients(page), 'Adele Fictitious').getByText('SMS: revoked').waitFor();
  expect(await contact.getByText('email', { exact: true }).count()).toBe(1);
});

test('a contact that is deleted leaves its patient, and finds it again when it is restored', async ({
  skip,
}) => {
  if (chromium === undefined) return skip(WITHOUT_CHROMIUM);
  const { page } = running;
  await page.getByRole('button', { name: 'Delete Adele Fictitious' }).click();
  await cardOf(contacts(page), 'Adele Fictitious').getByText('recycle bin').waitFor();
  await cardOf(patients(page), 'Adele Fictitious').getByText('no contact').waitFor();
  await page.getByRole('button', { name: 'Restore Adele Fictitious' }).click();
  const note = cardOf(patients(page), 'Adele Fictitious').getByText('no contact');
  await note.waitFor({ state: 'detached' });
});

test('tokens that are revoked hold nothing up', async ({ skip }) => {
  if (chromium === undefined) return skip(WITHOUT_CHROMIUM);
  const { page } = running;
  await page.getByRole('button', { name: 'Revoke our tokens' }).click();
  await createContact(page, 'Grace', 'Invented');
  await cardOf(patients(page), 'Grace Invented').waitFor();
  await picture(page, 'running');
});

test('what is refused is said', async ({ skip }) => {
  if (chromium === undefined) return skip(WITHOUT_CHROMIUM);
  const { page, stack, complaints } = running;
  // Somebody else is faster by one click.
  const revoke = page.getByRole('button', { name: 'Revoke email of Adele Fictitious' });
  await revoke.waitFor();
  const patientId = await cardOf(patients(page), 'Adele Fictitious').getAttribute('data-patient');
  await page.route('**/actions', async (route) => {
    await stack.sql(`update consents set status = 'revoked', revoked_at = now()
      where patient_id = '${patientId}' and status = 'active'`);
    await route.continue();
  });
  await revoke.click();
  await page
    .getByRole('alert')
    .getByText(/^Nothing to revoke/)
    .waitFor();
  await page.unroute('**/actions');
  // The browser itself tells of the 409.
  expect(complaints.splice(0)).toEqual([expect.stringContaining('409')]);
});

test('while Dataverse is down the alarm about it is red, and green again by itself', async ({
  skip,
}) => {
  if (chromium === undefined) return skip(WITHOUT_CHROMIUM);
  const { page, clock } = running;
  const alarm = (state: string) => page.locator(`[data-alarm$="connection-paused"].${state}`);
  clock.move(MINUTE_MS);
  await alarm('OK').waitFor();
  await page.getByRole('radio', { name: 'is down' }).check();
  await createContact(page, 'Edsger', 'Unread');
  await cardOf(contacts(page), 'Edsger Unread').waitFor();
  await events(page).getByRole('listitem').filter({ hasText: 'next sweep' }).first().waitFor();
  clock.move(MINUTE_MS);
  await alarm('ALARM')
    .getByText(/^in alarm since/)
    .waitFor();
  await page.locator('[data-alarm$="dynamics-page"].ALARM').waitFor();
  const card = page.locator('dynamics-connection-status');
  // It asks only while somebody can see it.
  await card.scrollIntoViewIfNeeded();
  await card.getByText('Paused').first().waitFor();
  await picture(page, 'down');

  await page.getByRole('radio', { name: 'works' }).check();
  // Three periods of five minutes in which nobody began a pause.
  clock.move(20 * MINUTE_MS);
  await alarm('OK').waitFor();
});

test('the dashboard of the template is drawn from what was measured', async ({ skip }) => {
  if (chromium === undefined) return skip(WITHOUT_CHROMIUM);
  const { page, stack } = running;
  const [dashboard] = stack.stack.deployment.dashboards;
  const titles = (dashboard?.widgets ?? []).flatMap((one) => ('title' in one ? [one.title] : []));
  expect(await page.locator('.widget figcaption').allTextContents()).toEqual(titles);
  const webhooks = page.getByRole('figure').filter({ hasText: 'Webhooks taken, ignored, refused' });
  await webhooks.getByText(/^taken/).waitFor();
  // Something is drawn: the canvas is not of one colour.
  const colours = await webhooks.locator('canvas').evaluate((canvas) => {
    if (!(canvas instanceof HTMLCanvasElement)) return 0;
    const { data = [] } =
      canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? {};
    const seen = new Set<string>();
    for (let at = 0; at < data.length; at += 4) seen.add(data.slice(at, at + 4).join());
    return seen.size;
  });
  expect(colours).toBeGreaterThan(2);
});

test('the page asked nobody but the console, and had nothing to complain about', ({ skip }) => {
  if (chromium === undefined) return skip(WITHOUT_CHROMIUM);
  const { console, origins, complaints } = running;
  expect([...origins]).toEqual([console.url]);
  expect(complaints).toEqual([]);
});

test('nobody but its page may drive the console', async ({ skip }) => {
  if (chromium === undefined) return skip(WITHOUT_CHROMIUM);
  const { console, stack } = running;
  const act = (headers: Record<string, string>) =>
    statusOf(`${console.url}/actions`, headers, { do: 'set-dataverse', mode: 'down' });
  const json = { 'content-type': 'application/json' };
  expect(await act({ ...json, origin: 'https://evil.example' })).toBe(403);
  expect(await act(json)).toBe(403);
  expect(await act({ ...json, origin: console.url, host: 'evil.example' })).toBe(403);
  expect(await act({ origin: console.url, 'content-type': 'text/plain' })).toBe(403);
  expect(await stack.control('GET', '/faults')).toMatchObject({ faults: [] });
  const page = await fetch(console.url);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
});

/** `fetch` does not let a caller choose its `Host` and `Origin`; who attacks is not asked. */
function statusOf(url: string, headers: Record<string, string>, body: object): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end(JSON.stringify(body));
  });
}
