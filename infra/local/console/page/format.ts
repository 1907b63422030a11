import type { PersonFields } from '../view.ts';

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const DATE_AND_TIME = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'short',
});
const NUMBER = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

/** `14:03:59`, in the reader's own way. */
export const timeText = (iso: string): string => TIME.format(new Date(iso));
export const dateText = (iso: string): string => DATE_AND_TIME.format(new Date(iso));
export const numberText = (value: number): string => NUMBER.format(value);
export const latencyText = (ms: number): string =>
  ms < 10_000 ? `${Math.round(ms)} ms` : `${NUMBER.format(ms / 1000)} s`;

/** Enough of an id to tell two apart. */
export const shortId = (id: string): string => id.slice(0, 8);

export const nameOf = ({ firstName, lastName }: Pick<PersonFields, 'firstName' | 'lastName'>) =>
  [firstName, lastName].filter((part) => part !== '').join(' ') || 'without a name';

/** The value that half of them stay within, by nearest rank. @param values at least one */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
}
