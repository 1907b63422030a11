import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { launchChromium, WITHOUT_CHROMIUM } from '../support/chromium.ts';
import {
  connectedBody,
  degradedBody,
  disconnectedBody,
  type StatusBody,
  testBody,
} from '../support/status-answers.ts';
import { seriousViolations } from './axe.ts';
import { bundlePages } from './pages.ts';
import { startStatusApi, type StatusApi, TOKEN } from './status-api.ts';

const STATUS_REQUEST = `GET /api/dynamics/status Bearer ${TOKEN}`;
const TEST_REQUEST = `POST /api/dynamics/test Bearer ${TOKEN}`;

const chromium = await launchChromium();
let api: StatusApi;
let context: BrowserContext | undefined;
let page: Page;

beforeAll(async () => {
  api = await startStatusApi(await bundlePages());
});
afterAll(async () => {
  await chromium?.close();
  await api?.close();
});
beforeEach(async ({ skip }) => {
  if (chromium === undefined) return skip(WITHOUT_CHROMIUM);
  context = await chromium.newContext();
  page = await context.newPage();
  answer(connectedBody(Date.now()));
  api.answerTest('hang');
  api.takeRequests();
});
afterEach(async () => {
  await context?.close();
  context = undefined;
});

const answer = (body: StatusBody) =>
  api.answerStatus({ status: body.status === 'disconnected' ? 503 : 200, body });
const element = () => page.locator('dynamics-connection-status');
const button = (name: string) => page.getByRole('button', { name });
const seen = (text: string) => element().getByText(text, { exact: true }).waitFor();
const said = () => element().getByRole('status').textContent();

async function open(path = '/plain'): Promise<void> {
  await page.goto(`${api.url}${path}`);
  await seen('Connected');
}

/** What a reader of the whole card gets, line by line. */
async function lines(): Promise<string[]> {
  const text = await element().evaluate((node) => {
    const card = node.shadowRoot?.querySelector('section');
    return card instanceof HTMLElement ? card.innerText : '';
  });
  return text.split('\n').filter((line) => line.trim() !== '');
}

test('shows the organisation, both directions, what waits and the last sync', async () => {
  await open();
  const minutesLeft = expect.stringMatching(/^in 5[12] minutes$/);
  const secondsAgo = expect.stringMatching(/^1\d seconds ago$/);
  const answered = expect.stringMatching(/^Answered (just now|\d seconds ago)$/);
  expect(await lines()).toEqual(
    [
      ['Connection', 'Dynamics 365'],
      ['Fictitious Clinic', 'fictitious-clinic.crm4.dynamics.com'],
      ['Connected', 'Dynamics and ConsentHub are connected, and changes flow both ways.'],
      ['Dynamics to ConsentHub', 'Contacts', 'Last sync', secondsAgo],
      ['In the queue', '0', 'Due', '0', 'Dead letters', '0'],
      ['ConsentHub to Dynamics', 'Consents', 'Last sync', '4 minutes ago'],
      ['In the queue', '3', 'Due', '2, for up to 45 seconds', 'Dead letters', '0'],
      ['Dynamics answers in', '141 ms', 'Token expires', minutesLeft],
      ['Columns for consents', 'Complete'],
      ['Test connection', 'Refresh', answered],
    ].flat(),
  );
  expect(api.takeRequests()).toEqual([STATUS_REQUEST]);
  const link = page.getByRole('link', { name: 'fictitious-clinic.crm4.dynamics.com' });
  expect(await link.getAttribute('href')).toBe('https://fictitious-clinic.crm4.dynamics.com/');
});

test('says times exactly to who points at them, and to programs', async () => {
  const body = connectedBody(Date.now());
  answer(body);
  await open();
  const time = page.getByRole('region', { name: 'Consents' }).locator('time');
  expect(await time.getAttribute('title')).toMatch(/^\d\d? \w+ \d{4}(,| at) \d\d:\d\d:\d\d \S+$/);
  const told = Date.parse((await time.getAttribute('datetime')) ?? '');
  const meant = Date.parse(body.sync.consents.lastSuccessAt ?? '');
  // The server's time is placed by when its answer came.
  expect(Math.abs(told - meant)).toBeLessThan(30_000);
});

test('a region with headings, to get around in without seeing it', async () => {
  answer(degradedBody(Date.now()));
  await page.goto(`${api.url}/plain`);
  await seen('Needs attention');
  const region = page.getByRole('region', { name: 'Dynamics 365' });
  await region.getByRole('heading', { level: 2, name: 'Dynamics 365' }).waitFor();
  const headings = await region.getByRole('heading', { level: 3 }).allTextContents();
  expect(headings).toEqual(['2 problems', 'Contacts', 'Consents']);
  const problems = region.getByRole('region', { name: '2 problems' }).getByRole('listitem');
  expect(await problems.count()).toBe(2);
  expect(await problems.first().textContent()).toContain('Create what is missing');
});

test('what changes is said, and shown; what does not is not said', async () => {
  await open();
  await expect.poll(said).toMatch(/^Connected\./);
  answer(disconnectedBody(Date.now()));
  await button('Refresh').click();
  await seen('Disconnected');
  await expect.poll(said).toMatch(/^Disconnected\. .* 2 problems\.$/);
  expect(await element().getByText('Connected', { exact: true }).count()).toBe(0);
  await page.evaluate(() => {
    const status = document
      .querySelector('dynamics-connection-status')
      ?.shadowRoot?.querySelector('[role=status]');
    if (status) status.textContent = 'as before';
  });
  const answeredAt = () => element().locator('footer time').getAttribute('datetime');
  const before = await answeredAt();
  await element().evaluate((node) => {
    node.setAttribute('refresh-seconds', '5');
  });
  await expect.poll(answeredAt, { timeout: 20_000 }).not.toBe(before);
  expect(await said()).toBe('as before');
});

describe('the connection test', () => {
  test('is begun with the keyboard, runs once, lists its checks, and closes; the focus is never lost', async () => {
    await open();
    api.takeRequests();
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('fictitious-clinic.crm4.dynamics.com');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Test connection');
    await page.keyboard.press('Enter');
    await seen('Testing…');
    expect(await button('Testing…').getAttribute('aria-disabled')).toBe('true');
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('Testing…');
    await expect.poll(said).toBe('Testing the connection.');
    await expect.poll(() => api.takeRequests()).toEqual([TEST_REQUEST]);

    // The one that hangs is called off with the page; this one is answered.
    api.answerTest({ status: 200, body: testBody() });
    await open();
    await button('Test connection').press('Enter');
    const region = page.getByRole('region', { name: 'Connection test' });
    await region.getByText('All checks passed.').waitFor();
    expect(await region.getByRole('listitem').count()).toBe(7);
    expect(await focused()).toBe('Test connection');
    await expect.poll(said).toBe('The test has ended. All checks passed.');
    await button('Close').press('Enter');
    await region.waitFor({ state: 'detached' });
    expect(await focused()).toBe('Test connection');
  });

  test('says what failed and what to do, stays over a refresh, and gives way to the next one', async () => {
    const remedy = 'Give the application user a security role with Write on the table Contact.';
    const write = { message: 'The application user may not change contacts.', remedy };
    api.answerTest({ status: 200, body: testBody({ write }) });
    await open();
    await button('Test connection').click();
    const failed = page.getByRole('listitem').filter({ hasText: 'Failed: Change contacts' });
    await failed.waitFor();
    expect(await failed.textContent()).toContain(remedy);
    await button('Refresh').click();
    await expect.poll(() => api.takeRequests()).toContain(STATUS_REQUEST);
    await element().getByText('6 of 7 checks passed.').waitFor();
    api.answerTest({ status: 503, body: { message: 'The test could not be put on record.' } });
    await button('Test connection').click();
    await seen('The test could not be put on record.');
    expect(await failed.count()).toBe(0);
  });

  /** The text of whatever has the focus. */
  const focused = () =>
    element().evaluate((node) => node.shadowRoot?.activeElement?.textContent ?? null);
});

describe('what comes from elsewhere', () => {
  test('is text, whatever it looks like', async () => {
    const markup = '<img src=x onerror="document.title=\'owned\'">';
    const body = degradedBody(Date.now());
    answer({
      ...body,
      organization: { id: null, name: markup, url: 'javascript:document.title="owned"' },
      problems: [{ code: markup, message: markup, remedy: `<script>${markup}</script>` }],
    });
    await page.goto(`${api.url}/plain`);
    await seen('Needs attention');
    expect(await element().getByText(markup, { exact: true }).count()).toBe(3);
    expect(await element().locator('img, script').count()).toBe(0);
    expect(await page.getByRole('link').count()).toBe(0);
    expect(await page.title()).toBe('Settings');
  });

  test('a session that has ended is told, and what it saw is gone', async () => {
    await open();
    await element().evaluate((node) => {
      if ('getToken' in node) node.getToken = () => 'an old one';
    });
    await button('Refresh').click();
    await seen('Signed out');
    expect(await element().getByText('Fictitious Clinic').count()).toBe(0);
  });
});

describe('politeness', () => {
  test('nothing is asked off screen, and what is due when it comes into sight', async () => {
    await page.setViewportSize({ width: 800, height: 600 });
    await page.route('**/plain', async (route) => {
      const response = await route.fetch();
      const spacer = '<div style="height: 3000px"></div><dynamics-connection-status';
      const html = (await response.text()).replace('<dynamics-connection-status', spacer);
      await route.fulfill({ response, body: html });
    });
    await page.goto(`${api.url}/plain`);
    await element().getByText('Loading', { exact: true }).first().waitFor({ state: 'attached' });
    await nextFrames(page);
    expect(api.takeRequests()).toEqual([]);
    await button('Test connection').scrollIntoViewIfNeeded();
    await seen('Connected');
    expect(api.takeRequests()).toEqual([STATUS_REQUEST]);
  });

  test('nothing is asked while the page is hidden, and what is due when it is seen', async () => {
    // A browser without windows has no page that is hidden.
    await page.addInitScript(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true });
    });
    await page.goto(`${api.url}/plain`);
    await element().getByText('Loading', { exact: true }).first().waitFor();
    await nextFrames(page);
    expect(api.takeRequests()).toEqual([]);
    await page.evaluate(() => {
      Reflect.deleteProperty(document, 'visibilityState');
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await seen('Connected');
    expect(api.takeRequests()).toEqual([STATUS_REQUEST]);
  });

  test('who is taken out of the page calls off the request, and asks again when put back', async () => {
    api.answerStatus('hang');
    await page.goto(`${api.url}/plain`);
    await expect.poll(() => api.takeRequests()).toEqual([STATUS_REQUEST]);
    const calledOff = page.waitForEvent('requestfailed');
    await page.evaluate(() => {
      const node = document.querySelector('dynamics-connection-status');
      node?.remove();
      Object.assign(window, { taken: node });
    });
    expect((await calledOff).failure()?.errorText).toContain('ABORTED');
    answer(connectedBody(Date.now()));
    await page.evaluate(() => {
      if ('taken' in window && window.taken instanceof Node) document.body.append(window.taken);
    });
    await seen('Connected');
    expect(api.takeRequests()).toEqual([STATUS_REQUEST]);
  });
});

describe('looks', () => {
  test('takes the colours, the radius and the fonts of the page', async () => {
    await open();
    await page.addStyleTag({
      content:
        ':root { --card: rgb(250, 240, 230); --foreground: rgb(20, 30, 40); --radius: 4px; --font-serif: monospace; }',
    });
    const style = await element().evaluate((node) => {
      const styleOf = (selector: string) => {
        const found = node.shadowRoot?.querySelector(selector);
        return found ? getComputedStyle(found) : undefined;
      };
      const card = styleOf('.card');
      const heading = styleOf('h2')?.fontFamily;
      return [card?.backgroundColor, card?.color, card?.borderRadius, heading];
    });
    expect(style).toEqual(['rgb(250, 240, 230)', 'rgb(20, 30, 40)', '4px', 'monospace']);
  });

  test('a page that is only light stays light in a dark system, under the strictest policy', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await open('/react');
    const background = () =>
      element().evaluate((node) => {
        const card = node.shadowRoot?.querySelector('.card');
        return card ? getComputedStyle(card).backgroundColor : '';
      });
    expect(await background()).toBe('rgb(255, 255, 255)');
    await page.evaluate(() => {
      document.documentElement.style.colorScheme = 'dark';
    });
    expect(await background()).toBe('rgb(15, 23, 42)');
  });

  test('nothing turns for who wants no motion', async () => {
    api.answerStatus('hang');
    await page.goto(`${api.url}/plain`);
    const animation = () =>
      element()
        .locator('.spinner')
        .first()
        .evaluate((node) => getComputedStyle(node).animationName);
    expect(await animation()).toBe('turn');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    expect(await animation()).toBe('none');
  });

  test('forced colours leave borders, words and shapes', async () => {
    await page.emulateMedia({ forcedColors: 'active' });
    await open();
    const border = await button('Test connection').evaluate((node) => {
      const { borderTopStyle, borderTopColor, backgroundColor } = getComputedStyle(node);
      return { borderTopStyle, visible: borderTopColor !== backgroundColor };
    });
    expect(border).toEqual({ borderTopStyle: 'solid', visible: true });
    expect(await seriousViolations(page)).toEqual([]);
  });

  test('letters of twice the size fit into a window of 640 pixels', async () => {
    await page.setViewportSize({ width: 640, height: 800 });
    await open();
    await page.addStyleTag({ content: ':root { font-size: 200% }' });
    const tooWide = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(tooWide).toBe(0);
    expect(await seriousViolations(page)).toEqual([]);
    await button('Refresh').click();
    await seen('Connected');
  });

  test('axe would find a colour that is too weak', async () => {
    await open();
    await page.addStyleTag({ content: ':root { --muted-foreground: #cbd5e1 }' });
    expect((await seriousViolations(page)).join()).toContain('color-contrast');
  });
});

describe('a React 19 page', () => {
  test('passes properties, hears events, and takes it out and puts it back', async () => {
    await open('/react');
    await page.getByText('The page heard: connected.').waitFor();
    const properties = await element().evaluate((node) => [
      'getToken' in node && typeof node.getToken,
      'refreshSeconds' in node && node.refreshSeconds,
      node.getAttribute('gettoken'),
    ]);
    expect(properties).toEqual(['function', 60, null]);
    // A new supplier with every rendering causes no request.
    expect(api.takeRequests()).toEqual([STATUS_REQUEST]);

    answer(degradedBody(Date.now()));
    await button('Refresh').click();
    await seen('Needs attention');
    await page.getByText('The page heard: degraded.').waitFor();
    await button('Hide').click();
    await element().waitFor({ state: 'detached' });
    await button('Show').click();
    await seen('Needs attention');
    expect(await seriousViolations(page)).toEqual([]);
  });
});

/** Until the browser has drawn twice: what had to be noticed has been noticed. */
const nextFrames = (of: Page) =>
  of.evaluate(
    () =>
      new Promise<void>((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(() => resolve()));
      }),
  );
