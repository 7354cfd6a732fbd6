import { isFilterField, type FilterField } from './fields';
import { groupLabelOf, labelOf, text } from '../text';
import {
  modeOf,
  queryTypeOf,
  type AdhocFilter,
  type FlowFilter,
  type FlowMetricsQuery,
  type FlowSelection,
  type RelayQuery,
} from './model';

/** The operator of a row: `is` or `is not`. */
export type RowSide = 'filter' | 'exclude';

/** One row of the builder. */
export interface FilterRow {
  side: RowSide;
  field: FilterField;
  values: string[];
}

/** The rows of a query's filters. A field without values is a row that is not filled in yet. */
export function rowsOf(query: FlowSelection): FilterRow[] {
  const side = (name: RowSide): FilterRow[] =>
    Object.entries(query[name] ?? {}).flatMap(([field, values]) =>
      isFilterField(field) && Array.isArray(values) ? [{ side: name, field, values }] : []
    );
  return [...side('filter'), ...side('exclude')];
}

/** The query with these rows as its filters. Rows of one field and operator become one. */
export function withRows<Q extends FlowSelection>(query: Q, rows: readonly FilterRow[]): Q {
  const filters: Record<RowSide, FlowFilter> = { filter: {}, exclude: {} };
  for (const { side, field, values } of rows) {
    filters[side][field] = [...new Set([...(filters[side][field] ?? []), ...values])];
  }
  return { ...query, ...filters };
}

/** A condition without a row in the builder: a JSON filter, `since` and its kin, or an ad hoc filter. */
export interface ExtraCondition {
  label: string;
  value: string;
  /** The selection without it. */
  without: FlowSelection;
}

/** The conditions of a selection that have no row in the builder. */
export function extraConditions(query: FlowSelection): ExtraCondition[] {
  const adhoc = (query.adhocFilters ?? []).map((filter, at) => ({
    label: text.flows.adhoc,
    value: adhocText(filter),
    without: { ...query, adhocFilters: query.adhocFilters?.filter((_, place) => place !== at) },
  }));
  if (modeOf(query) === 'text') {
    return adhoc;
  }
  const raw = (['allowlist', 'denylist'] as const).flatMap((list) =>
    (query[list] ?? []).map((value, at) => ({
      label: text.flows.raw[list],
      value,
      without: { ...query, [list]: query[list]?.filter((_, place) => place !== at) },
    }))
  );
  const selectors = (['since', 'until', 'last', 'first', 'all', 'follow'] as const).flatMap((name) => {
    const value = query[name];
    return value === undefined || value === false || value === ''
      ? []
      : [
          {
            label: text.flows.selectors[name],
            value: value === true ? '' : String(value),
            without: { ...query, [name]: undefined },
          },
        ];
  });
  return [...raw, ...selectors, ...adhoc];
}

/** An ad hoc filter as text. */
function adhocText({ key, operator, value, values }: AdhocFilter): string {
  const label = isFilterField(key) ? labelOf(key) : key;
  const shown = operator.endsWith('|') && values && values.length > 0 ? values.join(text.flows.or) : value;
  return `${label} ${operator.startsWith('!') ? text.flows.sides.exclude : text.flows.sides.filter} ${shown}`;
}

/** Whether two selections select the same flows. A row without values is no condition. */
export function sameFilters(one: FlowSelection, other: FlowSelection): boolean {
  const selected = (query: FlowSelection) =>
    JSON.stringify([
      modeOf(query) === 'text' ? query.text?.trim() : rowsOf(query).filter(({ values }) => values.length > 0),
      extraConditions(query).map(({ label, value }) => [label, value]),
    ]);
  return selected(one) === selected(other);
}

/** A query as one line of text. */
export function sentenceOf(query: RelayQuery): string {
  const conditions =
    modeOf(query) === 'text'
      ? [query.text?.trim() ?? '']
      : rowsOf(query)
          .filter(({ values }) => values.length > 0)
          .map(
            ({ side, field, values }) => `${labelOf(field)} ${text.flows.sides[side]} ${values.join(text.flows.or)}`
          );
  const parts = extraConditions(query).map(({ label, value }) =>
    label === text.flows.adhoc ? value : `${label} ${value}`.trim()
  );
  return [titleOf(query), ...conditions, ...parts].filter((part) => part !== '').join(', ');
}

function titleOf(query: RelayQuery): string {
  const type = queryTypeOf(query);
  return query.queryType === 'flowMetrics' ? metricTitle(query) : text.query[type];
}

function metricTitle({ metric = 'count', groupBy = [] }: FlowMetricsQuery): string {
  const by = groupBy.map((field) => groupLabelOf(field).toLowerCase()).join(', ');
  const title = `${text.query.flowMetrics}: ${text.flowMetrics.metrics[metric].toLowerCase()}`;
  return by ? `${title} by ${by}` : title;
}
