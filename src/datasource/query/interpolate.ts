import type { AdHocVariableFilter, ScopedVars, TypedVariableModel } from '@grafana/data';

import { withAdHocFilters } from './adhoc';
import { lineWithValues } from './line';
import {
  isPromql,
  modeOf,
  type AdhocFilter,
  type FlowFilter,
  type HubbleQuery,
  type PromqlQuery,
  type RelayQuery,
} from './model';
import { escapeRegex, escapeText, ownVariables } from './promqlText';

/** The part of Grafana's template service that is needed here. */
export interface Template {
  replace(
    target?: string,
    scopedVars?: ScopedVars,
    format?: string | ((value: string | string[], variable: VariableTraits) => string)
  ): string;
  getVariables(): TypedVariableModel[];
}

interface VariableTraits {
  name?: string;
  multi?: boolean;
  includeAll?: boolean;
}

/** More texts than this out of one filter line are a mistake, not a question. */
const maxValues = 10_000;

/** The query with variables replaced; `filters` are the dashboard's ad hoc filters. */
export function interpolateQuery(
  query: HubbleQuery,
  template: Template,
  scopedVars: ScopedVars,
  filters: readonly AdHocVariableFilter[] = []
): HubbleQuery {
  if (isPromql(query)) {
    return promql(query, template, scopedVars, [...(query.adhocFilters ?? []), ...filters]);
  }
  const { adhocVariable, ...asked } = query;
  const handed = filters.length > 0 ? filters : filtersOf(adhocVariable, template, scopedVars);
  const adhocFilters = [...(query.adhocFilters ?? []), ...handed];
  const interpolated = relay(asked, template, scopedVars);
  return adhocFilters.length > 0
    ? { ...interpolated, adhocFilters: adhocFilters.map((filter) => adhoc(filter, template, scopedVars)) }
    : interpolated;
}

/** The conditions of an ad hoc variable, read from the form in which it stands in a dashboard's address. */
function filtersOf(variable: string | undefined, template: Template, scopedVars: ScopedVars): AdhocFilter[] {
  const name = variableName(variable);
  if (name === undefined) {
    return [];
  }
  const written = template.replace(`\${${name}:queryparam}`, scopedVars);
  return new URLSearchParams(written).getAll(`var-${name}`).flatMap(conditionsIn);
}

/** The name in `$name`. */
export function variableName(variable: string | undefined): string | undefined {
  return /^\$\{?(\w+)\}?$/.exec(variable ?? '')?.[1];
}

/** The condition that a value of an ad hoc variable's parameter in the address stands for, if any. */
export function conditionsIn(written: string): AdhocFilter[] {
  // The origin of a filter follows after `#`; each part may have a label for people after a comma.
  const [parts = ''] = written.split('#');
  const [key = '', operator = '', ...values] = parts.split('|').map((part) => unescaped(part.split(',')[0] ?? ''));
  if (key === '' || operator === '') {
    return [];
  }
  return [operator.endsWith('|') ? { key, operator, value: '', values } : { key, operator, value: values[0] ?? '' }];
}

/** What Grafana writes for characters that have a meaning in an ad hoc filter's address. */
function unescaped(part: string): string {
  return part.replaceAll('__gfp__', '|').replaceAll('__gfh__', '#').replaceAll('__gfc__', ',');
}

function promql(
  { adhocFilters: _, ...query }: PromqlQuery,
  template: Template,
  scopedVars: ScopedVars,
  filters: readonly AdhocFilter[]
): PromqlQuery {
  const { expr, left } = withAdHocFilters(
    interpolatePromql(query.expr, template, scopedVars),
    filters.map((filter) => condition(filter, template, scopedVars))
  );
  return {
    ...query,
    expr,
    legendFormat: query.legendFormat && template.replace(query.legendFormat, scopedVars),
    interval: query.interval && template.replace(query.interval, scopedVars),
    // The backend tells of what could not be put into the expression.
    ...(left.length > 0 && { adhocFilters: left }),
  };
}

/** A condition with its variables replaced: a variable of several values asks for one of them. */
export function condition(filter: AdhocFilter, template: Template, scopedVars: ScopedVars): AdhocFilter {
  const { key, operator, value, values } = filter;
  if (operator === '=~' || operator === '!~') {
    return { key, operator, value: template.replace(value, scopedVars, regexValue) };
  }
  if (!['=', '!=', '=|', '!=|'].includes(operator)) {
    return { key, operator, value };
  }
  const many = operator.endsWith('|');
  const written = many && values && values.length > 0 ? values : [value];
  const chosen = expand(written, template, scopedVars);
  const [only = ''] = chosen;
  return !many && chosen.length === 1
    ? { key, operator, value: only }
    : { key, operator: many ? operator : `${operator}|`, value: '', values: chosen };
}

/** In a regular expression: several values become one that matches each. */
function regexValue(value: string | string[]): string {
  return Array.isArray(value) ? `(${value.map(escapeRegex).join('|')})` : escapeRegex(value);
}

function relay(given: RelayQuery, template: Template, scopedVars: ScopedVars): RelayQuery {
  const query =
    given.queryType === 'dnsConnections' && given.ip ? { ...given, ip: template.replace(given.ip, scopedVars) } : given;
  if (modeOf(query) === 'text') {
    const text = lineWithValues(query.text ?? '', (value) => expand([value], template, scopedVars));
    return { ...query, text };
  }
  const { allowlist, denylist, since, until } = query;
  const json = (filters: string[]) => filters.map((filter) => template.replace(filter, scopedVars, jsonText));
  return {
    ...query,
    filter: filter(query.filter, template, scopedVars),
    exclude: filter(query.exclude, template, scopedVars),
    ...(allowlist && { allowlist: json(allowlist) }),
    ...(denylist && { denylist: json(denylist) }),
    ...(since !== undefined && { since: template.replace(since, scopedVars) }),
    ...(until !== undefined && { until: template.replace(until, scopedVars) }),
  };
}

/** Inside the quotes of a filter in JSON: several values become several texts. */
function jsonText(value: string | string[]): string {
  const texts = Array.isArray(value) ? value : [value];
  return texts.map((text) => JSON.stringify(text).slice(1, -1)).join('","');
}

function adhoc(filter: AdhocFilter, template: Template, scopedVars: ScopedVars): AdhocFilter {
  const { key, operator, value, values } = filter;
  return {
    key,
    operator,
    value: template.replace(value, scopedVars),
    ...(values && { values: values.map((one) => template.replace(one, scopedVars)) }),
  };
}

function filter(values: FlowFilter | undefined, template: Template, scopedVars: ScopedVars): FlowFilter | undefined {
  return (
    values &&
    Object.fromEntries(Object.entries(values).map(([field, texts]) => [field, expand(texts, template, scopedVars)]))
  );
}

/** Stands before and after a variable's values, and between them; none of them occurs in a name. */
const open = '\u0002';
const close = '\u0003';
const between = '\u001f';

/**
 * The texts of one filter line. A variable with several values makes several texts. One that stands
 * for "All" is no condition at all: an absent namespace is one of all namespaces, and not in its list.
 */
export function expand(texts: readonly string[], template: Template, scopedVars: ScopedVars): string[] {
  const expanded = new Set<string>();
  for (const text of texts) {
    let anything = false;
    const replaced = template.replace(text, scopedVars, (value, variable) => {
      const values = Array.isArray(value) ? value : [value];
      anything ||= isAll(values, variable?.name, template);
      return open + values.join(between) + close;
    });
    if (anything || isCustomAll(text, replaced)) {
      return [];
    }
    for (const value of combinations(replaced)) {
      expanded.add(value);
      if (expanded.size > maxValues) {
        throw new Error(`the filter value ${text} stands for more than ${maxValues} values`);
      }
    }
  }
  return [...expanded];
}

/** "All" hands its options over, except to a panel that is repeated by them. */
function isAll(values: string[], name: string | undefined, template: Template): boolean {
  if (values.includes('$__all')) {
    return true;
  }
  const variable = template.getVariables().find((variable) => variable.name === name);
  const current = variable && 'current' in variable ? variable.current : undefined;
  const chosen: unknown = current && 'value' in current ? current.value : undefined;
  const all = Array.isArray(chosen) ? chosen.includes('$__all') : chosen === '$__all';
  return all && values.length !== 1;
}

/** The custom "All" of a variable that serves PromQL too is a regular expression that matches anything. */
function isCustomAll(text: string, replaced: string): boolean {
  return text !== replaced && (replaced === '.*' || replaced === '.+');
}

/** Every text that takes one value at each place. */
function combinations(replaced: string): string[] {
  const [start = '', ...parts] = replaced.split(open);
  return parts.reduce(
    (texts, part) => {
      const [values = '', after = ''] = part.split(close);
      const longer = texts.flatMap((text) => values.split(between).map((value) => text + value + after));
      if (longer.length > maxValues) {
        throw new Error(`a filter value stands for more than ${maxValues} values`);
      }
      return longer;
    },
    [start]
  );
}

/** PromQL with variables replaced: several values become a regular expression that matches each. */
export function interpolatePromql(expr: string, template: Template, scopedVars: ScopedVars): string {
  const kept: string[] = [];
  const masked = expr.replace(ownVariables, (variable) => `${open}${kept.push(variable) - 1}${close}`);
  const replaced = template.replace(masked, scopedVars, promqlValue);
  return replaced.replace(/\u0002(\d+)\u0003/g, (_, at: string) => kept[Number(at)] ?? '');
}

function promqlValue(value: string | string[], variable: VariableTraits): string {
  if (!variable?.multi && !variable?.includeAll) {
    return escapeText(Array.isArray(value) ? (value[0] ?? '') : String(value));
  }
  // Escaped for the regular expression, and for the text that it stands in.
  const values = (Array.isArray(value) ? value : [value]).map((one) => escapeText(escapeRegex(one)));
  return values.length === 1 ? (values[0] ?? '') : `(${values.join('|')})`;
}
