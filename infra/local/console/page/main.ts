import { defineConnectionStatus } from '../../../../shared/connection-status/index.ts';
import type { MetricsView, StateView } from '../view.ts';
import { act } from './act.ts';
import { showAlarms } from './alarms.ts';
import { showBehind } from './behind.ts';
import { showDashboard } from './dashboard.ts';
import { askForPerson } from './dialogs.ts';
import { find, write } from './dom.ts';
import { showConsentHub, showDynamics } from './sides.ts';
import { showWays } from './ways.ts';

const line = find('line', HTMLParagraphElement);

const live = new EventSource('/live');
live.addEventListener('open', () => {
  line.className = 'pill on';
  write(line, 'Live');
});
live.addEventListener('error', () => {
  line.className = 'pill off';
  write(line, 'The local stack does not answer');
});
live.addEventListener('state', ({ data }) => {
  const state: StateView = JSON.parse(data);
  showDynamics(state.dynamics);
  showConsentHub(state.consentHub);
  showWays(state);
  showBehind(state);
});
live.addEventListener('metrics', ({ data }) => {
  const metrics: MetricsView = JSON.parse(data);
  showAlarms(metrics.alarms);
  showDashboard(metrics);
});

find('new-contact', HTMLButtonElement).addEventListener('click', () => askForPerson());
find('revoke-tokens', HTMLButtonElement).addEventListener('click', () => {
  void act({ do: 'revoke-tokens' });
});
find('weather', HTMLFieldSetElement).addEventListener('change', ({ target }) => {
  if (!(target instanceof HTMLInputElement)) return;
  const mode = (['works', 'down', 'throttled'] as const).find((one) => one === target.value);
  if (mode !== undefined) void act({ do: 'set-dataverse', mode });
});

// The server adds the token of the staff: a page need not know one.
defineConnectionStatus();
const card = document.querySelector('dynamics-connection-status');
if (card !== null) card.getToken = () => '';
