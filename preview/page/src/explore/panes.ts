import { type DataQuery } from '@grafana/schema';

/** One pane of Explore's URL. Times are Unix milliseconds, ISO 8601, or relative (`now-1h`). */
export interface Pane {
  datasource: string;
  queries: DataQuery[];
  range: { from: string; to: string };
}

export interface Panes {
  pane: Pane;
  /** Number of further panes in the URL. */
  others: number;
}

const empty: Pane = { datasource: '', queries: [], range: { from: 'now-1h', to: 'now' } };

/** Reads `panes=` (schemaVersion 1), or the older `left=` of internal data links. */
export function readPanes(search: string): Panes {
  const params = new URLSearchParams(search);
  const panes = parsed(params.get('panes'));
  const left = parsed(params.get('left'));
  const all = panes ? Object.values(panes) : left ? [left] : [];
  const first = all[0];
  if (!isRecord(first)) {
    return { pane: empty, others: 0 };
  }
  const range = isRecord(first.range) ? first.range : {};
  const pane = {
    datasource: typeof first.datasource === 'string' ? first.datasource : '',
    queries: Array.isArray(first.queries) ? first.queries.filter(isQuery) : [],
    range: { from: text(range.from, empty.range.from), to: text(range.to, empty.range.to) },
  };
  return { pane, others: all.length - 1 };
}

/** The query string of Explore's URL for one pane. */
export function writePane(pane: Pane): string {
  return new URLSearchParams({ schemaVersion: '1', panes: JSON.stringify({ a: pane }), orgId: '1' }).toString();
}

function parsed(json: string | null): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json ?? 'null');
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isQuery(value: unknown): value is DataQuery {
  return isRecord(value);
}

/** A time for scenes: Unix milliseconds become ISO 8601. */
function text(value: unknown, otherwise: string): string {
  const given = typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '';
  if (!/^\d+$/.test(given)) {
    return given || otherwise;
  }
  const time = new Date(Number(given));
  return Number.isNaN(time.valueOf()) ? otherwise : time.toISOString();
}
