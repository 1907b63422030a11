/**
 * Everything that a page may set is a custom property with a fallback for light and dark. Which of the two
 * is the page's `color-scheme`: one that stays light in a dark system has a light element in it.
 */
export const STYLES: string = `
:host {
  --_card: var(--card, light-dark(#ffffff, #0f172a));
  --_text: var(--foreground, light-dark(#0f172a, #f1f5f9));
  --_muted: var(--muted-foreground, light-dark(#64748b, #94a3b8));
  --_border: var(--border, light-dark(#e2e8f0, #1e293b));
  --_heading: var(--heading, light-dark(#172554, #f1f5f9));
  --_accent: var(--accent, #0d9488);
  --_good: var(--success, var(--_accent));
  --_attention: var(--warning, light-dark(#b45309, #fbbf24));
  --_bad: var(--danger, light-dark(#b91c1c, #f87171));
  --_calm: var(--info, light-dark(#1d4ed8, #93c5fd));
  --_radius: var(--radius, 12px);
  --_serif: var(--font-serif, Georgia, 'Times New Roman', serif);
  --_mono: var(--font-mono, ui-monospace, SFMono-Regular, Menlo, Consolas, monospace);
  container-type: inline-size;
  display: block;
  color: var(--_text);
  font-family: var(--font-sans, inherit);
  line-height: 1.5;
}
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
h2, h3, p, ul, dl, dd { margin: 0; padding: 0; }
ul { list-style: none; }
h2, h3 {
  color: var(--_heading);
  font-family: var(--_serif);
  font-weight: 600;
  line-height: 1.25;
}
h2 { font-size: 1.5rem; }
h3 { font-size: 1.125rem; }

.unseen {
  position: absolute;
  width: 1px;
  height: 1px;
  margin: -1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
.card {
  display: grid;
  gap: 1.25rem;
  padding: 1rem;
  border: 1px solid var(--_border);
  border-radius: var(--_radius);
  background: var(--_card);
  overflow-wrap: anywhere;
}
.label {
  color: var(--_muted);
  font-size: 1rem;
  font-variant-caps: all-small-caps;
  letter-spacing: 0.08em;
  line-height: 1.2;
}
.icon {
  flex: none;
  width: 1.25rem;
  height: 1.25rem;
  fill: none;
  stroke: currentColor;
  stroke-width: 1.75;
  stroke-linecap: round;
  stroke-linejoin: round;
}
.spinner { animation: turn 1.2s linear infinite; }
@keyframes turn { to { transform: rotate(1turn); } }

header { display: flex; gap: 1rem; align-items: flex-start; }
.emblem {
  --_tone: var(--_accent);
  display: grid;
  flex: none;
  place-items: center;
  width: 2.75rem;
  height: 2.75rem;
  border-radius: calc(var(--_radius) * 0.75);
  background: color-mix(in srgb, var(--_tone) 12%, transparent);
  color: var(--_tone);
}
.emblem .icon { width: 1.5rem; height: 1.5rem; }
.names { min-width: 0; }
.organization { display: flex; flex-wrap: wrap; gap: 0 0.75rem; margin-top: 0.25rem; }
.organization strong { font-weight: 600; }
.url { color: var(--_muted); font-size: 0.875rem; line-height: 1.7; text-underline-offset: 0.2em; }

.good { --_tone: var(--_good); }
.attention { --_tone: var(--_attention); }
.bad { --_tone: var(--_bad); }
.calm { --_tone: var(--_calm); }
.neutral { --_tone: var(--_muted); }
.text { display: grid; gap: 0.125rem; align-content: start; min-width: 0; }
.remedy, .checked, .code { color: var(--_muted); }

.state {
  display: flex;
  gap: 0.75rem;
  padding: 0.875rem 1rem;
  border: 1px solid color-mix(in srgb, var(--_tone) 35%, var(--_border));
  border-radius: calc(var(--_radius) * 0.75);
  background: color-mix(in srgb, var(--_tone) 7%, var(--_card));
}
.state .icon { width: 1.75rem; height: 1.75rem; color: var(--_tone); }
.state .word { font-size: 1.125rem; font-weight: 600; line-height: 1.75rem; }
.state .remedy { color: inherit; }

.part { display: grid; gap: 0.75rem; }
.advice { display: grid; gap: 0.75rem; }
.advice li { display: flex; gap: 0.75rem; }
.advice .icon { margin-top: 0.125rem; color: var(--_tone, var(--_attention)); }
.message { font-weight: 600; }
code { font-family: var(--_mono); font-size: 0.8125rem; }

.directions { display: grid; gap: 1.25rem; }
.direction {
  padding: 0.75rem;
  border: 1px solid var(--_border);
  border-radius: calc(var(--_radius) * 0.75);
}
dl { display: grid; gap: 0.375rem; font-size: 0.875rem; }
.direction dl { margin-top: 0.75rem; }
dl div { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 0.75rem; }
dt { color: var(--_muted); }
dd { margin-left: auto; font-variant-numeric: tabular-nums; font-weight: 500; text-align: right; }
time { cursor: help; }
.awaited {
  display: inline-block;
  width: 5rem;
  height: 0.75rem;
  border-radius: 0.375rem;
  background: var(--_border);
}
.details { padding-top: 1.25rem; border-top: 1px solid var(--_border); }

.test { padding-top: 1.25rem; border-top: 1px solid var(--_border); }
.bar { display: flex; align-items: center; justify-content: space-between; gap: 1rem; }
.verdict { display: flex; gap: 0.75rem; }
.verdict.good, .verdict.bad { font-weight: 600; }
.verdict .icon { margin-top: 0.125rem; color: var(--_tone, var(--_muted)); }

footer {
  display: flex;
  flex-wrap: wrap;
  gap: 0.75rem;
  align-items: center;
  padding-top: 1.25rem;
  border-top: 1px solid var(--_border);
}
button {
  display: inline-flex;
  flex: none;
  gap: 0.5rem;
  align-items: center;
  justify-content: center;
  min-height: 2.5rem;
  padding: 0.375rem 1rem;
  border: 1px solid color-mix(in srgb, var(--_muted) 55%, var(--_border));
  border-radius: calc(var(--_radius) * 0.667);
  background: transparent;
  color: inherit;
  font: inherit;
  font-weight: 500;
  cursor: pointer;
}
button .icon { width: 1.125rem; height: 1.125rem; }
button:hover { background: color-mix(in srgb, var(--_text) 6%, transparent); }
button[aria-disabled] { cursor: progress; }
.primary {
  border-color: transparent;
  background: var(--button, color-mix(in srgb, var(--_accent) 80%, #000000));
  color: var(--button-foreground, #ffffff);
}
.primary:hover { background: var(--button, color-mix(in srgb, var(--_accent) 68%, #000000)); }
.quiet { min-height: 2rem; padding: 0.125rem 0.625rem; border-color: transparent; }
:focus-visible { outline: 2px solid var(--ring, var(--_accent)); outline-offset: 2px; }
.checked { margin-left: auto; }

@container (max-width: 27rem) {
  h2 { font-size: 1.25rem; }
  footer button { flex: 1 1 100%; }
  .checked { flex: 1 1 100%; margin: 0; text-align: center; }
}
@container (min-width: 40rem) {
  .card { gap: 1.5rem; padding: 1.75rem; }
  .directions { grid-template-columns: 1fr 1fr; }
  .direction { padding: 1rem; }
  dl { font-size: 0.9375rem; }
  .details dl { grid-template-columns: repeat(3, 1fr); gap: 1.25rem; }
  .details dl div { flex-direction: column; justify-content: flex-start; }
  .details dd { margin: 0; text-align: left; }
  .checks { grid-template-columns: 1fr 1fr; gap: 1rem 1.5rem; }
  .checks .bad { grid-column: 1 / -1; }
}
@media (prefers-reduced-motion: reduce) {
  .spinner { animation: none; }
}
@media (forced-colors: active) {
  button, .state, .awaited { border: 1px solid ButtonBorder; }
  button[aria-disabled] { border-color: GrayText; color: GrayText; }
}
`;
