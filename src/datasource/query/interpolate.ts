import type { AdHocVariableFilter, ScopedVars, TypedVariableModel } from '@grafana/data';

import { withAdHocFilters } from './adhoc';
import { allMarker, inAnyNamespace, isCustomAll, withoutAll } from './all';
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

/** The part of Grafana's template service that this module uses. */
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

/** Maximum number of values that the variables of one filter value expand to. */
const maxValues = 10_000;

/** The query with its variables replaced; `filters` are the dashboard's ad hoc filters. */
export function interpolateQuery(
  query: HubbleQuery,
  template: Template,
  scopedVars: ScopedVars,
  filters: readonly AdHocVariableFilter[] = []
): HubbleQuery {
  if (isPromql(query)) {
    return promql(query, template, scopedVars, [...(query.adhocFilters ?? []), ...filters]);
  }
  const { adhocVariable, ...own } = query;
  const handed = filters.length > 0 ? filters : filtersOf(adhocVariable, template, scopedVars);
  const adhocFilters = [...(query.adhocFilters ?? []), ...handed];
  const interpolated = relay(own, template, scopedVars);
  return adhocFilters.length > 0
    ? { ...interpolated, adhocFilters: adhocFilters.map((filter) => adhoc(filter, template, scopedVars)) }
    : interpolated;
}

/** The filters of an ad hoc variable, read from their form in a dashboard's URL. */
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

/** The filter in one value of an ad hoc variable's URL parameter: none or one. */
export function conditionsIn(written: string): AdhocFilter[] {
  // The origin of a filter follows after `#`; each part may have a display text after a comma.
  const [parts = ''] = written.split('#');
  const [key = '', operator = '', ...values] = parts.split('|').map((part) => unescaped(part.split(',')[0] ?? ''));
  if (key === '' || operator === '') {
    return [];
  }
  return [operator.endsWith('|') ? { key, operator, value: '', values } : { key, operator, value: values[0] ?? '' }];
}

/** The reverse of Grafana's escapes in the URL of an ad hoc filter. */
function unescaped(part: string): string {
  return part.replaceAll('__gfp__', '|').replaceAll('__gfh__', '#').replaceAll('__gfc__', ',');
}

function promql(
  { adhocFilters: _, ...query }: PromqlQuery,
  template: Template,
  scopedVars: ScopedVars,
  filters: readonly AdhocFilter[]
): PromqlQuery {
  const { expr, unsupported } = withAdHocFilters(
    interpolatePromql(query.expr, template, scopedVars),
    filters.map((filter) => interpolateCondition(filter, template, scopedVars))
  );
  return {
    ...query,
    expr,
    legendFormat: query.legendFormat && template.replace(query.legendFormat, scopedVars),
    interval: query.interval && template.replace(query.interval, scopedVars),
    // The backend adds a notice about the filters that no matcher expresses.
    ...(unsupported.length > 0 && { adhocFilters: unsupported }),
  };
}

/** A filter with its variables replaced; several values of a variable become "one of". */
export function interpolateCondition(filter: AdhocFilter, template: Template, scopedVars: ScopedVars): AdhocFilter {
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

/** The format of variables within a regular expression: several values become alternatives. */
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

/** Filters in JSON with their variables replaced. A deny filter of "All" alone is dropped: it would deny every flow. */
function raw(filters: readonly string[], template: Template, scopedVars: ScopedVars, isDenied = false): string[] {
  const written = filters.map((filter) => json(filter, template, scopedVars));
  return written.filter(
    (filter, at) => !isDenied || filter === filters[at] || /[^\s{}[\]:,]/.test(filter.replace(/"[^"]*":\[\]/g, ''))
  );
}

/** A filter in JSON with the variables in its strings replaced, as in a row of the builder. */
function json(filter: string, template: Template, scopedVars: ScopedVars): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(filter);
  } catch {
    // A variable stands for more than a string, or this is not JSON, which the backend refuses.
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

/** Fields of a filter in JSON whose values may contain "All" beside other text. */
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

/** The format of variables within the quotes of a JSON filter: several values become several strings. */
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

/** The alternatives for one part of a text. */
interface Part {
  texts: string[];
}

/**
 * The values of one filter row, with variables replaced. A variable of several values makes several values. "All" makes
 * no condition: the list of namespaces, for one, lacks the flows without a namespace. Within a longer text, the other
 * parts remain as the condition.
 */
export function expand(
  texts: readonly string[],
  template: Template,
  scopedVars: ScopedVars,
  field?: FilterField
): string[] {
  const expanded = new Set<string>();
  for (const text of texts) {
    for (const combination of combinations(splitVariables(text, template, scopedVars), text)) {
      const value = withoutAll(combination, field);
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

function splitVariables(text: string, template: Template, scopedVars: ScopedVars): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(reference)) {
    parts.push({ texts: [text.slice(end, match.index)] }, valuesOf(match[0], template, scopedVars));
    end = match.index + match[0].length;
  }
  return [...parts, { texts: [text.slice(end)] }];
}

/** The values of a variable; an unknown variable remains as it is written. */
function valuesOf(variable: string, template: Template, scopedVars: ScopedVars): Part {
  let values: string[] | undefined;
  let all = false;
  const replaced = template.replace(variable, scopedVars, (value, traits) => {
    values = (Array.isArray(value) ? value : [value]).map(String);
    all = isAll(value, traits?.name, template);
    return '';
  });
  if (values !== undefined) {
    return { texts: all ? [allMarker] : values };
  }
  // Grafana inserts a custom "All" and a value with a format of its own without calling the function.
  return { texts: [replaced !== variable && isCustomAll(replaced) ? allMarker : replaced] };
}

/** Whether a value is "All". Grafana passes its options as a list; a repeated panel gets a single one. */
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

/** All texts with one of the alternatives at each place. */
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

/** The parts of PromQL: a string, a comment, or the code between them. */
const promqlParts = /"(?:\\[\s\S]|[^"\\])*"|'(?:\\[\s\S]|[^'\\])*'|`[^`]*`|#[^\n]*|[^"'`#]+|["'`]/g;

/**
 * PromQL with its variables replaced. Several values become a regular expression. Within quotes a value is escaped for
 * them; elsewhere it is part of the expression, such as a whole matcher.
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

/** Placed around the number of a variable that the backend replaces. No expression contains these characters. */
const open = '\u0002';
const close = '\u0003';

/** A PromQL string with its quotes. `isEqual`: compared by `=` or `!=`, not as a regular expression. */
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
  // Strings in backticks have no escapes.
  return quote === '`' && inner.includes('`') ? `"${escapeText(inner)}"` : quote + inner + quote;
}
