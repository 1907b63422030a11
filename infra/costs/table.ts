import { costOf, PRICE_NAMES, PRICES, type Usage } from './prices.ts';
import { CONSENT_EVENT, CONTACT_EVENT, USAGE_OF_MONTH, usageOfMillion } from './usage.ts';

/** As many messages as a batch holds: `infra/constructs/queue-consumer.ts`. */
const FULL_BATCH = 10;

const COLUMNS: readonly (readonly [string, Usage])[] = [
  ['contacts, one by one', usageOfMillion(CONTACT_EVENT, 1)],
  ['contacts, in tens', usageOfMillion(CONTACT_EVENT, FULL_BATCH)],
  ['consents, one by one', usageOfMillion(CONSENT_EVENT, 1)],
  ['consents, in tens', usageOfMillion(CONSENT_EVENT, FULL_BATCH)],
  ['a month without events', USAGE_OF_MONTH],
];

/** A table in Markdown: what a million events cost, and a month. Pure. */
export function costTable(): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['', 'price', ...COLUMNS.map(([heading]) => heading)]),
    row(['---', '---', ...COLUMNS.map(() => '---:')]),
    ...PRICE_NAMES.map((name) => {
      const { unit, usd, per } = PRICES[name];
      const price = `$${usd}${per === 1 ? '' : ` per ${per.toLocaleString('en-US')}`}`;
      return row([
        unit,
        price,
        ...COLUMNS.map(([, usage]) => dollars(costOf({ [name]: usage[name] ?? 0 }))),
      ]);
    }),
    row(['**together**', '', ...COLUMNS.map(([, usage]) => `**${dollars(costOf(usage))}**`)]),
  ].join('\n');
}

function dollars(usd: number): string {
  return usd === 0 ? '' : `$${usd.toFixed(2)}`;
}
