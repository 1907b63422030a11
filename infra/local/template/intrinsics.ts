import { isRecord, TemplateError } from './template.ts';

/** Where the intrinsic functions of one stack look things up. Every lookup throws `TemplateError`. */
export interface Scope {
  ref(name: string): unknown;
  getAtt(logicalId: string, attribute: string): unknown;
  importValue(exportName: string): unknown;
  condition(name: string): boolean;
  findInMap(map: string, first: string, second: string): unknown;
}

/** What `AWS::NoValue` resolves to: the property or list entry that holds it disappears. */
export const NO_VALUE = Symbol('AWS::NoValue');

type Intrinsic = (argument: unknown, scope: Scope) => unknown;

/** The functions of the CloudFormation user guide, "Intrinsic function reference", that are used. */
const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  Ref: (argument, scope) => scope.ref(text(argument, 'Ref')),
  'Fn::GetAtt': getAtt,
  'Fn::Join': (argument, scope) => {
    const [separator, values] = list(argument, 'Fn::Join', 2);
    const parts = list(resolve(values, scope), 'Fn::Join');
    return parts.map((part) => text(part, 'Fn::Join')).join(text(separator, 'Fn::Join'));
  },
  'Fn::Sub': substitute,
  'Fn::Select': (argument, scope) => {
    const [index, values] = list(argument, 'Fn::Select', 2);
    const position = Number(resolve(index, scope));
    const options = list(resolve(values, scope), 'Fn::Select');
    if (!(position in options))
      throw new TemplateError(`Fn::Select: there is no entry ${position}`);
    return options[position];
  },
  'Fn::Split': (argument, scope) => {
    const [separator, value] = list(argument, 'Fn::Split', 2);
    return text(resolve(value, scope), 'Fn::Split').split(text(separator, 'Fn::Split'));
  },
  'Fn::If': (argument, scope) => {
    const [condition, yes, no] = list(argument, 'Fn::If', 3);
    return resolve(scope.condition(text(condition, 'Fn::If')) ? yes : no, scope);
  },
  'Fn::ImportValue': (argument, scope) =>
    scope.importValue(text(resolve(argument, scope), 'Fn::ImportValue')),
  'Fn::FindInMap': (argument, scope) => {
    const [map, first, second] = list(argument, 'Fn::FindInMap', 3);
    return scope.findInMap(
      text(resolve(map, scope), 'Fn::FindInMap'),
      text(resolve(first, scope), 'Fn::FindInMap'),
      text(resolve(second, scope), 'Fn::FindInMap'),
    );
  },
  'Fn::Equals': (argument, scope) => {
    const [left, right] = list(argument, 'Fn::Equals', 2);
    return resolve(left, scope) === resolve(right, scope);
  },
  'Fn::And': (argument, scope) =>
    list(argument, 'Fn::And').every((entry) => resolve(entry, scope) === true),
  'Fn::Or': (argument, scope) =>
    list(argument, 'Fn::Or').some((entry) => resolve(entry, scope) === true),
  'Fn::Not': (argument, scope) => {
    const [entry] = list(argument, 'Fn::Not', 1);
    return resolve(entry, scope) !== true;
  },
};

/**
 * A value of a template with all intrinsic functions replaced by what they stand for.
 *
 * @throws TemplateError on an unknown function, malformed arguments or a failed lookup.
 */
export function resolve(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) {
    return value.map((entry) => resolve(entry, scope)).filter((entry) => entry !== NO_VALUE);
  }
  if (!isRecord(value)) return value;

  const keys = Object.keys(value);
  const only = keys.length === 1 ? keys[0] : undefined;
  if (only !== undefined) {
    const intrinsic = INTRINSICS[only];
    if (intrinsic !== undefined) return intrinsic(value[only], scope);
    if (only === 'Condition' && typeof value[only] === 'string')
      return scope.condition(value[only]);
    if (only.startsWith('Fn::')) throw new TemplateError(`${only} is not supported`);
  }
  const resolved = keys.map((key) => [key, resolve(value[key], scope)] as const);
  return Object.fromEntries(resolved.filter(([, entry]) => entry !== NO_VALUE));
}

/**
 * Logical ids (and parameters) that a value refers to by `Ref`, `Fn::GetAtt` or `Fn::Sub`: what has
 * to exist before it, besides `DependsOn`.
 */
export function referencesOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(referencesOf);
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(referencesOfEntry);
}

function referencesOfEntry([key, entry]: [string, unknown]): string[] {
  if (key === 'Ref' && typeof entry === 'string') return [entry];
  if (key === 'Fn::GetAtt')
    return [String(Array.isArray(entry) ? entry[0] : entry).split('.')[0] ?? ''];
  if (key === 'Fn::Sub') {
    const [template, own] = Array.isArray(entry) ? entry : [entry, {}];
    const names = [...String(template).matchAll(PLACEHOLDER)].map((match) => match[1] ?? '');
    const foreign = names.filter((name) => !isRecord(own) || !Object.hasOwn(own, name));
    return foreign.map((name) => name.split('.')[0] ?? '').concat(referencesOf(own));
  }
  return referencesOf(entry);
}

/** `${Name}` or `${LogicalId.Attribute}`; `${!Literal}` is an escape and stays out. */
const PLACEHOLDER = /\$\{([^!}][^}]*)\}/g;

function substitute(argument: unknown, scope: Scope): string {
  const [template, own] = Array.isArray(argument) ? argument : [argument, {}];
  const variables = isRecord(own) ? own : {};
  return text(template, 'Fn::Sub')
    .replaceAll(PLACEHOLDER, (_whole, name: string) => {
      if (Object.hasOwn(variables, name)) return text(resolve(variables[name], scope), 'Fn::Sub');
      const [logicalId = '', ...attribute] = name.trim().split('.');
      if (attribute.length === 0) return text(scope.ref(logicalId), 'Fn::Sub');
      return text(scope.getAtt(logicalId, attribute.join('.')), 'Fn::Sub');
    })
    .replaceAll('${!', '${');
}

function getAtt(argument: unknown, scope: Scope): unknown {
  const parts = typeof argument === 'string' ? argument.split('.') : list(argument, 'Fn::GetAtt');
  const [logicalId, ...attribute] = parts.map((part) => text(part, 'Fn::GetAtt'));
  return scope.getAtt(logicalId ?? '', attribute.join('.'));
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new TemplateError(`${where}: expected text, found ${JSON.stringify(value)}`);
}

function list(value: unknown, where: string, length?: number): readonly unknown[] {
  if (Array.isArray(value) && (length === undefined || value.length === length)) return value;
  const expected = length === undefined ? 'a list' : `a list of ${length}`;
  throw new TemplateError(`${where}: expected ${expected}, found ${JSON.stringify(value)}`);
}
