import { isFilterField, type FilterField } from './fields';
import { labelOf, text } from '../text';
import type { FlowFilter, FlowsQuery } from './model';

/** Whether flows that match a row are shown or left out. */
export type RowSide = 'filter' | 'exclude';

/** One line of the filter editor. */
export interface FilterRow {
  side: RowSide;
  field: FilterField;
  values: string[];
}

/** The lines that a query's filters make; a field without values is a line that is not filled in yet. */
export function rowsOf(query: FlowsQuery): FilterRow[] {
  const side = (name: RowSide): FilterRow[] =>
    Object.entries(query[name] ?? {}).flatMap(([field, values]) =>
      isFilterField(field) && Array.isArray(values) ? [{ side: name, field, values }] : []
    );
  return [...side('filter'), ...side('exclude')];
}

/** The query with these lines as its filters. Lines of one field and side become one. */
export function withRows(query: FlowsQuery, rows: readonly FilterRow[]): FlowsQuery {
  const filters: Record<RowSide, FlowFilter> = { filter: {}, exclude: {} };
  for (const { side, field, values } of rows) {
    filters[side][field] = [...new Set([...(filters[side][field] ?? []), ...values])];
  }
  return { ...query, ...filters };
}

/** Whether the flows asked for are the same; a line without values asks nothing. */
export function sameFilters(one: FlowsQuery, other: FlowsQuery): boolean {
  const asked = (query: FlowsQuery) => JSON.stringify(rowsOf(query).filter(({ values }) => values.length > 0));
  return asked(one) === asked(other);
}

/** The query in words. */
export function sentenceOf(query: FlowsQuery): string {
  const conditions = rowsOf(query)
    .filter(({ values }) => values.length > 0)
    .map(({ side, field, values }) => `${labelOf(field)} ${text.flows.sides[side]} ${values.join(text.flows.or)}`);
  return [text.query.flows, ...conditions].join(', ');
}
