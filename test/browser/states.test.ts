import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium, WITHOUT_CHROMIUM } from '../support/chromium.ts';
import {
  connectedBody,
  degradedBody,
  disconnectedBody,
  emptyBody,
  pausedBody,
  type StatusBody,
  testBody,
} from '../support/status-answers.ts';
import { seriousViolations } from './axe.ts';
import { bundlePages } from './pages.ts';
import { type Scripted, startStatusApi, type StatusApi } from './status-api.ts';

const SCREENSHOTS = fileURLToPath(new URL('../../.local/screenshots/', import.meta.url));
const WIDTHS = { narrow: 320, wide: 1024 };
const HEIGHT = 900;

const chromium = await launchChromium();
let api: StatusApi;

beforeAll(async () => {
  await mkdir(SCREENSHOTS, { recursive: true });
  api = await startStatusApi(await bundlePages());
});
afterAll(async () => {
  await chromium?.close();
  await api?.close();
});

interface State {
  readonly name: string;
  readonly status: Scripted;
  /** What the page has to show before the picture is taken. */
  readonly shows: RegExp;
  /** Answered to the button, which is pressed if this is there. */
  readonly test?: Scripted;
  /** What is answered then to a refresh, which is asked for if this is there. */
  readonly next?: Scripted;
  readonly element?: string;
}

const ok = (body: StatusBody): Scripted => ({ status: 200, body });
const failing = testBody({
  token: {
    message: 'The client secret has expired (AADSTS7000222).',
    remedy:
      'Make a new client secret under Certificates & secrets of the app registration and put it into the secret consenthub-dynamics/dynamics-client-secret.',
  },
  ...Object.fromEntries(
    (['reachability', 'read', 'write', 'fields', 'changeTracking', 'webhook'] as const).map(
      (name) => [
        name,
        {
          message: 'Not tried, because a check before it has failed.',
          remedy: 'Mend what failed first, and test again.',
        },
      ],
    ),
  ),
});

const states = (now: number): readonly State[] => [
  { name: 'loading', status: 'hang', shows: /Asking for the state/ },
  { name: 'not-set-up', status: 'hang', shows: /Not set up/, element: '' },
  { name: 'connected', status: ok(connectedBody(now)), shows: /Connected/ },
  { name: 'empty', status: ok(emptyBody(now)), shows: /Nothing has been synchronised yet/ },
  { name: 'degraded', status: ok(degradedBody(now)), shows: /2 problems/ },
  { name: 'paused', status: ok(pausedBody(now)), shows: /Paused/ },
  {
    name: 'disconnected',
    status: { status: 503, body: disconnectedBody(now) },
    shows: /Disconnected/,
  },
  { name: 'error', status: 'cut', shows: /No answer/ },
  {
    name: 'error-stale',
    status: ok(connectedBody(now)),
    next: 'cut',
    shows: /The last answer follows/,
  },
  { name: 'signed-out', status: { status: 401, body: {} }, shows: /Signed out/ },
  { name: 'not-allowed', status: { status: 403, body: {} }, shows: /Not allowed/ },
  { name: 'unreadable', status: { status: 200, body: [] }, shows: /Not understood/ },
  { name: 'testing', status: ok(connectedBody(now)), test: 'hang', shows: /Trying sign-in/ },
  {
    name: 'test-passed',
    status: ok(connectedBody(now)),
    test: { status: 200, body: testBody() },
    shows: /All checks passed/,
  },
  {
    name: 'test-failed',
    status: { status: 503, body: disconnectedBody(now) },
    test: { status: 200, body: failing },
    shows: /0 of 7 checks passed/,
  },
];

test.for(states(0).map(({ name }) => name))(
  '%s is told in light and dark, narrow and wide, and axe finds nothing serious',
  async (name, { skip }) => {
    if (chromium === undefined) return skip(WITHOUT_CHROMIUM);
    const state = states(Date.now()).find((one) => one.name === name);
    if (state === undefined) throw new Error(`there is no state ${name}`);
    const context = await chromium.newContext({ reducedMotion: 'reduce' });
    try {
      const page = await context.newPage();
      api.answerStatus(state.status);
      api.answerTest(state.test ?? 'hang');
      await page.goto(`${api.url}/plain`);
      const element = page.locator('dynamics-connection-status');
      if (state.element === '') {
        await element.evaluate((node) => node.removeAttribute('endpoint'));
      }
      if (state.test !== undefined) {
        await page.getByRole('button', { name: 'Test connection' }).click();
      }
      if (state.next !== undefined) {
        await page.getByText('Connected', { exact: true }).waitFor();
        api.answerStatus(state.next);
        await page.getByRole('button', { name: 'Refresh' }).click();
      }
      await element.getByText(state.shows).first().waitFor();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        for (const [width, pixels] of Object.entries(WIDTHS)) {
          await page.setViewportSize({ width: pixels, height: HEIGHT });
          const tooWide = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
          );
          expect(tooWide).toBe(0);
          expect(await seriousViolations(page)).toEqual([]);
          const path = `${SCREENSHOTS}${name}-${colorScheme}-${width}.png`;
          await page.screenshot({ path, fullPage: true, animations: 'disabled' });
        }
      }
    } finally {
      await context.close();
    }
  },
);
