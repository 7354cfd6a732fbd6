import type { AdHocVariableFilter, ScopedVars, TypedVariableModel } from '@grafana/data';

import { withAdHocFilters } from './adhoc';
import { any, inAnyNamespace, isCustomAll, withoutAny } from './all';
import type { FilterField } from './fields';
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
    const text = lineWithValues(query.text ?? '', (value, field, flag) =>
      /^--(?:allow|deny)list=?$/.test(flag ?? '')
        ? raw([value], template, scopedVars, flag?.startsWith('--deny'))
        : expand([value], template, scopedVars, field)
    );
    return { ...query, text };
  }
  const { allowlist, denylist, since, until } = query;
  return {
    ...query,
    filter: filter(query.filter, template, scopedVars),
    exclude: filter(query.exclude, template, scopedVars),
    ...(allowlist && { allowlist: raw(allowlist, template, scopedVars) }),
    ...(denylist && { denylist: raw(denylist, template, scopedVars, true) }),
    ...(since !== undefined && { since: template.replace(since, scopedVars) }),
    ...(until !== undefined && { until: template.replace(until, scopedVars) }),
  };
}

/** Filters in JSON with their variables replaced. One that shuts out "All", and nothing else, shuts out nothing. */
function raw(filters: readonly string[], template: Template, scopedVars: ScopedVars, isDenied = false): string[] {
  const written = filters.map((filter) => json(filter, template, scopedVars));
  return written.filter(
    (filter, at) => !isDenied || filter === filters[at] || /[^\s{}[\]:,]/.test(filter.replace(/"[^"]*":\[\]/g, ''))
  );
}

/** A filter in JSON with its variables replaced, in each text of its lists as in a filter line. */
function json(filter: string, template: Template, scopedVars: ScopedVars): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(filter);
  } catch {
    // A variable stands for more than a text, or it is no JSON, which the backend tells.
    return template.replace(filter, scopedVars, jsonText);
  }
  const replaced = (value: unknown, field?: FilterField): unknown => {
    if (Array.isArray(value)) {
      return value.flatMap((item: unknown) =>
        typeof item === 'string' ? expand([item], template, scopedVars, field) : [replaced(item)]
      );
    }
    if (typeof value === 'object' && value !== null) {
      const fields = Object.entries(value).map(([key, own]) => [key, replaced(own, jsonFields[key])]);
      return Object.fromEntries(fields) as unknown;
    }
    return typeof value === 'string' ? template.replace(value, scopedVars) : value;
  };
  const written = JSON.stringify(replaced(parsed));
  return written === JSON.stringify(parsed) ? filter : written;
}

/** Fields of a filter in JSON whose values have parts. */
const jsonFields: Partial<Record<string, FilterField>> = {
  source_pod: 'pod',
  destination_pod: 'pod',
  source_service: 'service',
  destination_service: 'service',
  source_label: 'label',
  destination_label: 'label',
  source_fqdn: 'fqdn',
  destination_fqdn: 'fqdn',
  node_name: 'nodeName',
  node_labels: 'nodeLabel',
  http_path: 'httpPath',
  http_url: 'httpUrl',
};

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
  if (values === undefined) {
    return undefined;
  }
  const given = Object.entries(values) as Array<[FilterField, string[]]>;
  const expanded = given.map(([field, texts]) => [field, expand(texts, template, scopedVars, field)] as const);
  const open = new Set(
    expanded.flatMap(([field, texts], at) => (texts.length < Math.min(1, given[at]?.[1].length ?? 0) ? [field] : []))
  );
  return Object.fromEntries(
    expanded.map(([field, texts]) => [field, texts.map((text) => inAnyNamespace(text, field, open))])
  );
}

/** A variable in a text, as Grafana writes it. */
const reference = /\$\w+|\[\[\w+(?::\w+)?\]\]|\$\{\w+[^}]*\}/g;

/** What a part of a text stands for. */
interface Part {
  texts: string[];
}

/**
 * The texts of one filter line. A variable with several values makes several texts. One that stands
 * for "All" is no condition: an absent namespace is one of all namespaces, and not in its list. In a
 * part of a text it leaves the condition of the other parts.
 */
export function expand(
  texts: readonly string[],
  template: Template,
  scopedVars: ScopedVars,
  field?: FilterField
): string[] {
  const expanded = new Set<string>();
  for (const text of texts) {
    for (const combination of combinations(partsOf(text, template, scopedVars), text)) {
      const value = withoutAny(combination, field);
      if (value === undefined) {
        return [];
      }
      expanded.add(value);
      if (expanded.size > maxValues) {
        throw new Error(`the filter value ${text} stands for more than ${maxValues} values`);
      }
    }
  }
  return [...expanded];
}

function partsOf(text: string, template: Template, scopedVars: ScopedVars): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(reference)) {
    parts.push({ texts: [text.slice(end, match.index)] }, valuesOf(match[0], template, scopedVars));
    end = match.index + match[0].length;
  }
  return [...parts, { texts: [text.slice(end)] }];
}

/** The values of a variable; one that is not known stays as it is written. */
function valuesOf(variable: string, template: Template, scopedVars: ScopedVars): Part {
  let values: string[] | undefined;
  let all = false;
  const replaced = template.replace(variable, scopedVars, (value, traits) => {
    values = (Array.isArray(value) ? value : [value]).map(String);
    all = isAll(value, traits?.name, template);
    return '';
  });
  if (values !== undefined) {
    return { texts: all ? [any] : values };
  }
  // A custom "All" and a value in a format of its own are put in as they are.
  return { texts: [replaced !== variable && isCustomAll(replaced) ? any : replaced] };
}

/** "All" hands its options over as a list, and to a panel that is repeated by them one alone. */
function isAll(value: string | string[], name: string | undefined, template: Template): boolean {
  if ([value].flat().includes('$__all')) {
    return true;
  }
  const variable = template.getVariables().find((variable) => variable.name === name);
  const current = variable && 'current' in variable ? variable.current : undefined;
  const chosen: unknown = current && 'value' in current ? current.value : undefined;
  const all = Array.isArray(chosen) ? chosen.includes('$__all') : chosen === '$__all';
  return all && Array.isArray(value);
}

/** Every text that takes one value at each place. */
function combinations(parts: readonly Part[], text: string): string[] {
  return parts.reduce<string[]>(
    (found, { texts }) => {
      if (found.length * texts.length > maxValues) {
        throw new Error(`the filter value ${text} stands for more than ${maxValues} values`);
      }
      return found.flatMap((start) => texts.map((end) => start + end));
    },
    ['']
  );
}

/** A text in quotes, a comment, or what stands between them in PromQL. */
const promqlParts = /"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|`[^`]*`|#[^\n]*|[^"'`#]+|["'`]/g;

/**
 * PromQL with variables replaced: several values become a regular expression that matches each.
 * Within quotes a value is escaped for them; elsewhere it is a part of the expression, such as a matcher.
 */
export function interpolatePromql(expr: string, template: Template, scopedVars: ScopedVars): string {
  const kept: string[] = [];
  const masked = expr.replace(ownVariables, (variable) => `${open}${kept.push(variable) - 1}${close}`);
  let before = '';
  const replaced = (masked.match(promqlParts) ?? []).map((part) => {
    const isText = /^["'`]/.test(part) && part.length > 1;
    const written = isText
      ? textOfPromql(part, /!?=$/.test(before.trimEnd()), template, scopedVars)
      : template.replace(part, scopedVars, (value) => (Array.isArray(value) ? value.join(', ') : String(value)));
    before = part;
    return written;
  });
  return replaced.join('').replace(/\u0002(\d+)\u0003/g, (_, at: string) => kept[Number(at)] ?? '');
}

/** Stand before and after the number of a variable that is kept; neither occurs in an expression. */
const open = '\u0002';
const close = '\u0003';

/** A text of PromQL with its quotes; `isEqual` where it is compared as it is, not as a regular expression. */
function textOfPromql(text: string, isEqual: boolean, template: Template, scopedVars: ScopedVars): string {
  const quote = text.charAt(0);
  const escape = (value: string) => (quote === '`' ? value : escapeText(value, quote));
  const inner = template.replace(
    text.slice(1, -1),
    scopedVars,
    (value: string | string[], variable: VariableTraits) => {
      const values = (Array.isArray(value) ? value : [value]).map(String);
      const [only = ''] = values;
      if ((!variable?.multi && !variable?.includeAll) || (isEqual && values.length === 1)) {
        return escape(only);
      }
      const escaped = values.map((one) => escape(escapeRegex(one)));
      return escaped.length === 1 ? (escaped[0] ?? '') : `(${escaped.join('|')})`;
    }
  );
  // Between backticks nothing can be escaped, a backtick least of all.
  return quote === '`' && inner.includes('`') ? `"${escapeText(inner)}"` : quote + inner + quote;
}
