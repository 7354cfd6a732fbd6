import { locationService } from '@grafana/runtime';

import { toggleFilter } from '../datasource/logs/toggle';
import type { HubbleQuery } from '../datasource/query/model';
import type { FlagCondition } from './cellFilter';

interface Pane {
  datasource?: unknown;
  queries?: unknown[];
  range?: { from?: unknown; to?: unknown };
  [other: string]: unknown;
}

/** The panes of Explore by the URL; undefined where it has none. */
export function panesOf(): Record<string, Pane> | undefined {
  try {
    const panes: unknown = JSON.parse(String(locationService.getSearchObject().panes));
    return typeof panes === 'object' && panes !== null ? (panes as Record<string, Pane>) : undefined;
  } catch {
    return undefined;
  }
}

/** The names of the panes that hold a query. */
export function panesWith(query: unknown): string[] {
  const wanted = written(query);
  return Object.entries(panesOf() ?? {})
    .filter(([, { queries }]) => Array.isArray(queries) && queries.some((own) => written(own) === wanted))
    .map(([name]) => name);
}

/**
 * Adds a condition to the query behind some flows: in the one pane that holds it, or else, if there is room, in a second
 * pane beside. Returns whether it did.
 */
export function filterInExplore(
  query: HubbleQuery | undefined,
  range: { from: unknown; to: unknown },
  { key, value }: FlagCondition,
  excluded: boolean
): boolean {
  const panes = panesOf();
  if (!query || !panes) {
    return false;
  }
  const type = excluded ? 'FILTER_OUT' : 'FILTER_FOR';
  const narrowed = toggleFilter(query, { type, options: { key, value } });
  const holding = panesWith(query);
  const [name] = holding;
  const wanted = written(query);
  const pane = name === undefined ? undefined : panes[name];
  if (holding.length === 1 && name !== undefined && pane) {
    const queries = (pane.queries ?? []).map((own) => (written(own) === wanted ? narrowed : own));
    set({ ...panes, [name]: { ...pane, queries } });
    return true;
  }
  const names = Object.keys(panes);
  if (names.length !== 1) {
    return false;
  }
  const beside = { datasource: narrowed.datasource?.uid, queries: [narrowed], range };
  set({ ...panes, [`${names[0]}-flows`]: beside });
  return true;
}

function set(panes: Record<string, Pane>): void {
  locationService.partial({ panes: JSON.stringify(panes) });
}

/** A query as text, for comparison: the same fields in the same order, without those that Explore alone writes. */
function written(query: unknown): string {
  if (typeof query !== 'object' || query === null) {
    return '';
  }
  const fields = Object.entries(query).filter(([name, value]) => value !== undefined && name !== 'key');
  return JSON.stringify(Object.fromEntries(fields.sort(([one], [other]) => (one < other ? -1 : 1))));
}
