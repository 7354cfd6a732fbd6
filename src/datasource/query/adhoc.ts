// Half of the data source's module.js. It cannot load later: Grafana expects interpolated and modified queries at once.
import { parser } from '@prometheus-io/lezer-promql';
import type { SyntaxNode } from '@lezer/common';

import type { AdhocFilter } from './model';
import { escapeRegex, labelName, ownVariables, quoteString } from './promqlText';

/** An expression with ad hoc filters applied, and the filters that could not be. */
export interface Filtered {
  expr: string;
  unsupported: AdhocFilter[];
}

/** A replacement for the text between `from` and `to`. */
interface Change {
  from: number;
  to: number;
  insert: string;
}

/**
 * The expression with the filters as matchers in every vector selector, otherwise unchanged. Its variables must be
 * replaced. `unsupported` holds the filters that no matcher can express, and all filters where the expression is not
 * PromQL; the answer then carries a notice. Unlike `addLabelToQuery` of `@grafana/prometheus`, this handles `info()`,
 * comments and matchers of `__name__`.
 */
export function withAdHocFilters(expr: string, filters: readonly AdhocFilter[]): Filtered {
  const read = filters.map((filter) => ({ filter, matcher: matcherOf(filter) }));
  const matchers = [...new Set(read.flatMap(({ matcher }) => matcher ?? []))];
  if (matchers.length === 0) {
    return { expr, unsupported: read.filter(({ matcher }) => matcher === undefined).map(({ filter }) => filter) };
  }
  const selectors = selectorNodes(expr);
  if (selectors === undefined) {
    return { expr, unsupported: [...filters] };
  }
  let filtered = '';
  let at = 0;
  for (const { from, to, insert } of selectors.flatMap((selector) => changesFor(selector, expr, matchers))) {
    filtered += expr.slice(at, from) + insert;
    at = to;
  }
  return {
    expr: filtered + expr.slice(at),
    unsupported: read.filter(({ matcher }) => matcher === undefined).map(({ filter }) => filter),
  };
}

/** The selector of all series that match the filters; undefined without filters. */
export function selectorFor(filters: readonly AdhocFilter[]): string | undefined {
  const matchers = filters.flatMap((filter) => matcherOf(filter) ?? []);
  return matchers.length > 0 ? `{${matchers.join(',')}}` : undefined;
}

/** The matchers of a filter: empty without a key or value, undefined where PromQL has no such operator. */
function matcherOf({ key, operator, value, values }: AdhocFilter): string[] | undefined {
  if (key.trim() === '') {
    return [];
  }
  const label = labelName(key.trim());
  switch (operator) {
    case '=':
    case '!=':
    case '=~':
    case '!~':
      return [`${label}${operator}${quoteString(value)}`];
    case '=|':
    case '!=|': {
      const chosen = values && values.length > 0 ? values : [value].filter((one) => one !== '');
      const sign = operator === '=|' ? '=' : '!';
      if (chosen.length < 2) {
        return chosen.map((one) => `${label}${sign === '=' ? '=' : '!='}${quoteString(one)}`);
      }
      return [`${label}${sign}~${quoteString(chosen.map(escapeRegex).join('|'))}`];
    }
    default:
      return undefined;
  }
}

/** The vector selectors of an expression, in order; undefined where it is not PromQL. */
function selectorNodes(expr: string): SyntaxNode[] | undefined {
  const found: SyntaxNode[] = [];
  let isPromql = true;
  parser.parse(parsable(expr)).iterate({
    enter: ({ node, type }) => {
      isPromql &&= !type.isError;
      if (type.name === 'VectorSelector' && !ofInfoMetric(node)) {
        found.push(node);
      }
      return isPromql;
    },
  });
  return isPromql ? found : undefined;
}

/** The expression with the backend's variables as durations and numbers of the same length, for the parser. */
function parsable(expr: string): string {
  return expr.replace(ownVariables, (variable, plain?: string, braced?: string) => {
    const isNumber = /_m?s$/.test(plain ?? braced ?? '');
    return isNumber ? '1'.repeat(variable.length) : `${'1'.repeat(variable.length - 1)}s`;
  });
}

/** Whether a selector is the second argument of `info(v, {…})`, which selects labels of another metric. */
function ofInfoMetric(selector: SyntaxNode): boolean {
  const body = selector.parent;
  const isInfo = body?.name === 'FunctionCallBody' && body.prevSibling?.firstChild?.name === 'Info';
  return isInfo && body.firstChild?.nextSibling?.from === selector.from;
}

function changesFor(selector: SyntaxNode, expr: string, matchers: readonly string[]): Change[] {
  const added = matchers.join(',');
  const name = selector.getChild('Identifier');
  const braces = selector.getChild('LabelMatchers');
  if (!braces) {
    const { from, to } = selector;
    const metric = expr.slice(from, to);
    return matchers.some(isOfName)
      ? [{ from, to, insert: `{__name__=${quoteString(metric)},${added}}` }]
      : [{ from: to, to, insert: `{${added}}` }];
  }
  // The remaining children are commas and comments.
  const own = ['UnquotedLabelMatcher', 'QuotedLabelMatcher', 'QuotedLabelName'].flatMap((kind) =>
    braces.getChildren(kind)
  );
  const end = Math.max(braces.from + 1, ...own.map(({ to }) => to));
  const insert: Change = { from: end, to: end, insert: own.length > 0 ? `,${added}` : added };
  if (!name || !matchers.some(isOfName)) {
    return [insert];
  }
  // Prometheus refuses a matcher of `__name__` after a name before the braces.
  const metric = `__name__=${quoteString(expr.slice(name.from, name.to))},`;
  const open = braces.from + 1;
  return own.length > 0
    ? [{ from: name.from, to: name.to, insert: '' }, { from: open, to: open, insert: metric }, insert]
    : [
        { from: name.from, to: name.to, insert: '' },
        { ...insert, insert: metric + added },
      ];
}

function isOfName(matcher: string): boolean {
  return /^__name__[=!]/.test(matcher);
}
