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

/** Whether flows that match a row are shown or left out. */
export type RowSide = 'filter' | 'exclude';

/** One line of the filter editor. */
export interface FilterRow {
  side: RowSide;
  field: FilterField;
  values: string[];
}

/** The lines that a query's filters make; a field without values is a line that is not filled in yet. */
export function rowsOf(query: FlowSelection): FilterRow[] {
  const side = (name: RowSide): FilterRow[] =>
    Object.entries(query[name] ?? {}).flatMap(([field, values]) =>
      isFilterField(field) && Array.isArray(values) ? [{ side: name, field, values }] : []
    );
  return [...side('filter'), ...side('exclude')];
}

/** The query with these lines as its filters. Lines of one field and side become one. */
export function withRows<Q extends FlowSelection>(query: Q, rows: readonly FilterRow[]): Q {
  const filters: Record<RowSide, FlowFilter> = { filter: {}, exclude: {} };
  for (const { side, field, values } of rows) {
    filters[side][field] = [...new Set([...(filters[side][field] ?? []), ...values])];
  }
  return { ...query, ...filters };
}

/** What of a selection the filter lines do not show: filters in JSON and which part of the flows. */
export interface SelectionPart {
  label: string;
  value: string;
  /** The selection without it. */
  without: FlowSelection;
}

/** The parts of a selection that the filter lines do not show. */
export function partsOf(query: FlowSelection): SelectionPart[] {
  const adhoc = (query.adhocFilters ?? []).map((filter, at) => ({
    label: text.flows.andToo,
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

/** A condition in words. */
export function adhocText({ key, operator, value, values }: AdhocFilter): string {
  const label = isFilterField(key) ? labelOf(key) : key;
  const shown = operator.endsWith('|') && values && values.length > 0 ? values.join(text.flows.or) : value;
  return `${label} ${operator.startsWith('!') ? text.flows.sides.exclude : text.flows.sides.filter} ${shown}`;
}

/** Whether the flows asked for are the same; a line without values asks nothing. */
export function sameFilters(one: FlowSelection, other: FlowSelection): boolean {
  const asked = (query: FlowSelection) =>
    JSON.stringify([
      modeOf(query) === 'text' ? query.text?.trim() : rowsOf(query).filter(({ values }) => values.length > 0),
      partsOf(query).map(({ label, value }) => [label, value]),
    ]);
  return asked(one) === asked(other);
}

/** The query in words. */
export function sentenceOf(query: RelayQuery): string {
  const conditions =
    modeOf(query) === 'text'
      ? [query.text?.trim() ?? '']
      : rowsOf(query)
          .filter(({ values }) => values.length > 0)
          .map(
            ({ side, field, values }) => `${labelOf(field)} ${text.flows.sides[side]} ${values.join(text.flows.or)}`
          );
  const parts = partsOf(query).map(({ label, value }) =>
    label === text.flows.andToo ? value : `${label} ${value}`.trim()
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
