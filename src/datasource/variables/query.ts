import type { DataQuery } from '@grafana/schema';

/** A variable's query as text for the backend: `label_values(hubble_drop_total, reason)`, `pods($namespace)`. */
export interface VariableQuery extends DataQuery {
  query: string;
}

/** The text of a variable's query; a dashboard written by hand may hold a plain string. */
export function variableText(query: VariableQuery | string | undefined): string {
  return typeof query === 'string' ? query : (query?.query ?? '');
}

type Argument = 'namespace' | 'workload' | 'pattern';

/** Hubble's functions with their arguments, in the order of the editor. */
export const variableFunctions = {
  namespaces: ['pattern'],
  workloads: ['namespace', 'pattern'],
  pods: ['namespace', 'workload', 'pattern'],
  nodes: ['pattern'],
  labels: ['namespace', 'workload', 'pattern'],
  identities: ['namespace', 'workload', 'pattern'],
  verdicts: ['pattern'],
  drop_reasons: ['pattern'],
} as const satisfies Record<string, readonly Argument[]>;

export type VariableFunction = keyof typeof variableFunctions;

/** A function with its arguments; an empty argument means all. */
export interface VariableCall {
  of: VariableFunction;
  arguments: Partial<Record<Argument, string>>;
}

/** The call in a text; undefined where it does not call a Hubble function. */
export function variableCall(text: string): VariableCall | undefined {
  const [, name = '', inner = ''] = /^\s*([a-z_]+)\(([\s\S]*)\)\s*$/.exec(text) ?? [];
  if (!isVariableFunction(name)) {
    return undefined;
  }
  const names: readonly Argument[] = variableFunctions[name];
  // Commas within braces, parentheses and quotes do not separate arguments.
  const parts = inner.match(/(?:\{[^}]*\}|\([^)]*\)|"[^"]*"|'[^']*'|[^,])+|(?<=,)(?=,|$)|^(?=,)/g) ?? [];
  if (parts.length > names.length) {
    return undefined;
  }
  const filled = names.map((argument, at) => [argument, parts[at]?.trim() ?? ''] as const);
  return { of: name, arguments: Object.fromEntries(filled) };
}

/** Whether a name is one of Hubble's functions. */
export function isVariableFunction(name: string): name is VariableFunction {
  return Object.hasOwn(variableFunctions, name);
}

/** The text of a call, without empty arguments at the end. */
export function variableCallText({ of, arguments: given }: VariableCall): string {
  const names: readonly Argument[] = variableFunctions[of];
  const values = names.map((name) => given[name]?.trim() ?? '');
  while (values.at(-1) === '') {
    values.pop();
  }
  return `${of}(${values.join(', ')})`;
}
