/** Values by the beginning of their period, Unix milliseconds; a period without a value is not in it. */
export type Series = ReadonlyMap<number, number>;

type Value = number | Series | readonly Series[];

/** What an expression is computed from. */
export interface Operands {
  /** The metric or expression of this id. */
  readonly series: (id: string) => Series;
  readonly periodSeconds: number;
}

export interface Expression {
  /** Ids of the metrics and expressions that it names. */
  readonly ids: readonly string[];
  evaluate(operands: Operands): Series;
}

/** The text is no expression, or uses what is not supported here. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError';
}

type Term = (operands: Operands) => Value;

const TOKEN = /\s*(?:(?<number>\d+(?:\.\d+)?)|(?<name>[A-Za-z]\w*)|(?<sign>[-+*/>(),[\]]))\s*/y;

/** "Metric math syntax and functions" (CloudWatch user guide): the part of it that is used. */
const FUNCTIONS: Readonly<Record<string, (values: readonly Value[], operands: Operands) => Value>> =
  {
    SUM: ([list]) => overEach(list, (values) => values.reduce((total, value) => total + value, 0)),
    MAX: ([list]) => overEach(list, (values) => Math.max(...values)),
    /** With two arguments: no value where the condition does not hold. */
    IF: ([condition, value]) =>
      combine(condition, value, (holds, result) => (holds === 0 ? Number.NaN : result)),
    /** Seconds. */
    PERIOD: (_values, { periodSeconds }) => periodSeconds,
  };

const OPERATORS: Readonly<Record<string, (left: number, right: number) => number>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '>': (left, right) => (left > right ? 1 : 0),
};

/** Operators that bind weakest first. */
const PRECEDENCE = [['>'], ['+', '-'], ['*', '/']];

/**
 * Reads an expression of metric math.
 *
 * @throws ExpressionError
 */
export function parseExpression(text: string): Expression {
  const tokens = tokensOf(text);
  const ids = new Set<string>();
  let position = 0;

  const take = (sign: string): boolean => {
    if (tokens[position] !== sign) return false;
    position += 1;
    return true;
  };
  const expect = (sign: string): void => {
    if (!take(sign)) throw new ExpressionError(`${text}: ${sign} is missing`);
  };
  const operation = (level: number): Term => {
    const operators = PRECEDENCE[level];
    if (operators === undefined) return operand();
    let left = operation(level + 1);
    for (;;) {
      const sign = operators.find((one) => take(one));
      const compute = OPERATORS[sign ?? ''];
      if (compute === undefined) return left;
      const [before, after] = [left, operation(level + 1)];
      left = (operands) => combine(before(operands), after(operands), compute);
    }
  };
  const listUntil = (end: string): Term[] => {
    const terms = [operation(0)];
    while (take(',')) terms.push(operation(0));
    expect(end);
    return terms;
  };
  const operand = (): Term => {
    if (take('(')) {
      const inner = operation(0);
      expect(')');
      return inner;
    }
    if (take('[')) {
      const terms = listUntil(']');
      return (operands) => terms.map((term) => seriesOf(term(operands)));
    }
    const token = tokens[position];
    position += 1;
    if (token === undefined) throw new ExpressionError(`${text}: something is missing at the end`);
    if (/^\d/.test(token)) return () => Number(token);
    if (/^[a-z]/.test(token)) {
      ids.add(token);
      return ({ series }) => series(token);
    }
    const call = FUNCTIONS[token];
    if (call === undefined) throw new ExpressionError(`${text}: ${token} is not supported`);
    expect('(');
    const terms = listUntil(')');
    return (operands) =>
      call(
        terms.map((term) => term(operands)),
        operands,
      );
  };

  const root = operation(0);
  if (position < tokens.length) {
    throw new ExpressionError(`${text}: ${tokens[position]} is not expected`);
  }
  return { ids: [...ids], evaluate: (operands) => seriesOf(root(operands)) };
}

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new ExpressionError(`${text}: cannot be read from ${at} on`);
    tokens.push(match[0].trim());
  }
  return tokens;
}

/** Of two series there is a value where both have one, and where it is a number. */
function combine(
  left: Value | undefined,
  right: Value | undefined,
  compute: (left: number, right: number) => number,
): Value {
  if (typeof left === 'number' && typeof right === 'number') return compute(left, right);
  const [before, after] = [left, right].map((value) =>
    typeof value === 'number' ? value : seriesOf(value),
  );
  const times = typeof before === 'object' ? before.keys() : seriesOf(after).keys();
  const at = (value: number | Series | undefined, time: number): number | undefined =>
    typeof value === 'number' ? value : value?.get(time);
  return finite(
    [...times].flatMap((time): [number, number][] => {
      const [one, other] = [at(before, time), at(after, time)];
      return one === undefined || other === undefined ? [] : [[time, compute(one, other)]];
    }),
  );
}

/** Of many series there is a value where any has one. */
function overEach(list: Value | undefined, compute: (values: readonly number[]) => number): Series {
  if (!Array.isArray(list)) throw new ExpressionError('SUM and MAX take a list here');
  const all: readonly Series[] = list;
  const times = new Set(all.flatMap((series) => [...series.keys()]));
  return finite(
    [...times].map((time) => [time, compute(all.flatMap((series) => series.get(time) ?? []))]),
  );
}

const finite = (values: readonly (readonly [number, number])[]): Series =>
  new Map(values.filter(([, value]) => Number.isFinite(value)));

function seriesOf(value: Value | undefined): Series {
  if (value instanceof Map) return value;
  throw new ExpressionError('a time series is needed, not a number or a list');
}
