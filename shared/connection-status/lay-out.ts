import type {
  CheckView,
  DirectionView,
  DisplayState,
  Fact,
  ProblemView,
  TestView,
  View,
} from './decide-view.ts';
import type { TimeText } from './format-time.ts';
import { icon, type IconName, STATE_ICONS } from './icons.ts';
import { h, type TreeElement } from './tree.ts';

/** What a button does, in its attribute `data-action`. */
export type Action = 'refresh' | 'test' | 'close-test';

type Tone = 'good' | 'attention' | 'bad' | 'calm' | 'neutral';

const TONES: Readonly<Record<DisplayState, Tone>> = {
  'not-set-up': 'neutral',
  loading: 'neutral',
  connected: 'good',
  degraded: 'attention',
  paused: 'calm',
  disconnected: 'bad',
  unknown: 'neutral',
  'signed-out': 'calm',
  'not-allowed': 'calm',
  'no-answer': 'bad',
  unavailable: 'bad',
  unreadable: 'bad',
};

/** The card, as a tree. Pure. */
export function layOut(view: View): TreeElement {
  const { state, problems, directions, details, actions, test } = view;
  return h(
    'section',
    { class: 'card', 'aria-labelledby': 'title', 'aria-busy': String(state === 'loading') },
    header(view),
    statePanel(view),
    problems.length > 0 ? problemList(problems) : null,
    directions.length > 0
      ? h('div', { key: 'directions', class: 'directions' }, directions.map(directionPart))
      : null,
    details.length > 0 ? h('div', { key: 'details', class: 'details' }, factList(details)) : null,
    test.phase === 'none' ? null : testPart(test),
    actions ? footer(view) : null,
  );
}

function header({ organization, url }: View): TreeElement {
  return h(
    'header',
    {},
    h('span', { class: 'emblem' }, icon('sync')),
    h(
      'div',
      { class: 'names' },
      h('p', { key: 'label', class: 'label' }, 'Connection'),
      h('h2', { id: 'title' }, 'Dynamics 365'),
      organization === null && url === null
        ? null
        : h(
            'p',
            { key: 'organization', class: 'organization' },
            organization === null ? null : h('strong', {}, organization),
            url === null ? null : link(url),
          ),
    ),
  );
}

function link({ text, href }: NonNullable<View['url']>): TreeElement {
  if (href === null) return h('span', { class: 'url' }, text);
  return h('a', { class: 'url', href, target: '_blank', rel: 'noopener noreferrer' }, text);
}

function statePanel({ state, word, summary, remedy, staleSince }: View): TreeElement {
  return h(
    'div',
    { key: 'state', class: `state ${TONES[state]}`, 'data-state': state },
    icon(STATE_ICONS[state]),
    h(
      'div',
      { class: 'text' },
      h('p', { key: 'word', class: 'word' }, word),
      h('p', { key: 'summary' }, summary),
      remedy === null ? null : h('p', { key: 'remedy', class: 'remedy' }, remedy),
      staleSince === null
        ? null
        : h('p', { key: 'stale' }, 'The last answer follows. It came ', time(staleSince), '.'),
    ),
  );
}

function problemList(problems: readonly ProblemView[]): TreeElement {
  const title = problems.length === 1 ? 'One problem' : `${problems.length} problems`;
  return h(
    'section',
    { key: 'problems', class: 'part', 'aria-labelledby': 'problems' },
    h('h3', { id: 'problems' }, title),
    h(
      'ul',
      // Safari takes a list without bullets for none.
      { role: 'list', class: 'advice' },
      problems.map(({ code, message, remedy }) =>
        h(
          'li',
          { key: `problem ${code}` },
          icon('alert'),
          h(
            'div',
            { class: 'text' },
            h('p', { key: 'message', class: 'message' }, message),
            h('p', { key: 'remedy', class: 'remedy' }, remedy),
            h('p', { key: 'code', class: 'code' }, h('code', {}, code)),
          ),
        ),
      ),
    ),
  );
}

function directionPart({ id, title, way, facts }: DirectionView): TreeElement {
  return h(
    'section',
    { key: id, class: 'direction', 'aria-labelledby': id },
    h('p', { class: 'label' }, way),
    h('h3', { id }, title),
    factList(facts),
  );
}

function factList(facts: readonly Fact[]): TreeElement {
  return h(
    'dl',
    {},
    facts.map(({ label, value }) =>
      h('div', { key: label }, h('dt', {}, label), h('dd', {}, factValue(value))),
    ),
  );
}

function factValue(value: Fact['value']): TreeElement | string {
  if (value === undefined) {
    return h('span', { class: 'awaited' }, h('span', { class: 'unseen' }, 'Loading'));
  }
  return typeof value === 'string' ? value : time(value);
}

const time = ({ relative, exact, iso }: TimeText) =>
  h('time', { datetime: iso, title: exact }, relative);

function testPart(test: Exclude<TestView, { phase: 'none' }>): TreeElement {
  return h(
    'section',
    { key: 'test', class: 'part test', 'aria-labelledby': 'test' },
    h(
      'div',
      { class: 'bar' },
      h('h3', { id: 'test' }, 'Connection test'),
      test.phase === 'running' ? null : button('close-test', 'quiet', false, 'close', 'Close'),
    ),
    ...testBody(test),
  );
}

function testBody(test: Exclude<TestView, { phase: 'none' }>): TreeElement[] {
  switch (test.phase) {
    case 'running':
      return [h('p', { key: 'running', class: 'verdict neutral' }, icon('spinner'), test.message)];
    case 'failed':
      return [
        h('p', { key: 'failed', class: 'verdict bad' }, icon('cross'), test.message),
        h('p', { key: 'remedy', class: 'remedy' }, test.remedy),
      ];
    case 'done': {
      const { ok, message, at, checks } = test;
      const verdict = icon(ok ? 'check' : 'cross');
      return [
        h(
          'p',
          { key: 'done', class: `verdict ${ok ? 'good' : 'bad'}` },
          verdict,
          h('span', {}, `${message} Tested `, time(at), '.'),
        ),
        h('ul', { role: 'list', class: 'advice checks' }, checks.map(checkItem)),
      ];
    }
  }
}

function checkItem({ ok, title, message, remedy }: CheckView): TreeElement {
  return h(
    'li',
    { key: `check ${title}`, class: ok ? 'good' : 'bad' },
    icon(ok ? 'check' : 'cross'),
    h(
      'div',
      { class: 'text' },
      h(
        'p',
        { key: 'title', class: 'message' },
        h('span', { class: 'unseen' }, ok ? 'Passed: ' : 'Failed: '),
        title,
      ),
      h('p', { key: 'message' }, message),
      remedy === null ? null : h('p', { key: 'remedy', class: 'remedy' }, remedy),
    ),
  );
}

function footer({ state, test, refreshing, checkedAt }: View): TreeElement {
  const testing = test.phase === 'running';
  const waiting = refreshing || state === 'loading';
  return h(
    'footer',
    {},
    button(
      'test',
      'primary',
      testing,
      testing ? 'spinner' : null,
      testing ? 'Testing…' : 'Test connection',
    ),
    button(
      'refresh',
      '',
      waiting,
      waiting ? 'spinner' : 'refresh',
      waiting ? 'Asking…' : 'Refresh',
    ),
    checkedAt === null
      ? null
      : h('p', { key: 'checked', class: 'checked' }, 'Answered ', time(checkedAt)),
  );
}

function button(
  action: Action,
  name: string,
  busy: boolean,
  image: IconName | null,
  text: string,
): TreeElement {
  const attributes = {
    key: action,
    type: 'button',
    class: name,
    'data-action': action,
    // One that is busy keeps the focus, which `disabled` would take from it.
    'aria-disabled': busy ? 'true' : undefined,
  };
  return h('button', attributes, image === null ? null : icon(image), text);
}
