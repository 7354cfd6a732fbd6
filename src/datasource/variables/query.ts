import type { DataQuery } from '@grafana/schema';

/** A variable's query, as text that the backend reads: `label_values(hubble_drop_total, reason)`, `pods($namespace)`. */
export interface VariableQuery extends DataQuery {
  query: string;
}

/** A dashboard written by hand may hold the text alone. */
export function variableText(query: VariableQuery | string | undefined): string {
  return typeof query === 'string' ? query : (query?.query ?? '');
}

type Argument = 'namespace' | 'workload' | 'pattern';

/** Functions of Hubble with what narrows their values, in the order in which they are offered. */
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

/** A function with its arguments; an empty one stands for everything. */
export interface VariableCall {
  of: VariableFunction;
  arguments: Partial<Record<Argument, string>>;
}

/** The function that a text calls, if it is one of Hubble's. */
export function variableCall(text: string): VariableCall | undefined {
  const [, name = '', inner = ''] = /^\s*([a-z_]+)\(([\s\S]*)\)\s*$/.exec(text) ?? [];
  if (!isVariableFunction(name)) {
    return undefined;
  }
  const names: readonly Argument[] = variableFunctions[name];
  // Commas within braces, parentheses and quotes part nothing.
  const parts = inner.match(/(?:\{[^}]*\}|\([^)]*\)|"[^"]*"|'[^']*'|[^,])+|(?<=,)(?=,|$)|^(?=,)/g) ?? [];
  if (parts.length > names.length) {
    return undefined;
  }
  const filled = names.map((argument, at) => [argument, parts[at]?.trim() ?? ''] as const);
  return { of: name, arguments: Object.fromEntries(filled) };
}

/** Whether it is one of Hubble's functions, which no Prometheus knows. */
export function isVariableFunction(name: string): name is VariableFunction {
  return Object.hasOwn(variableFunctions, name);
}

/** The call as text, without empty arguments at the end. */
export function variableCallText({ of, arguments: given }: VariableCall): string {
  const names: readonly Argument[] = variableFunctions[of];
  const values = names.map((name) => given[name]?.trim() ?? '');
  while (values.at(-1) === '') {
    values.pop();
  }
  return `${of}(${values.join(', ')})`;
}
