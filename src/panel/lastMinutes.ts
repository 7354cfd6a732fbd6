import type { RawTimeRange } from '@grafana/data';
import { locationService } from '@grafana/runtime';

const lastMinutes = { from: 'now-5m', to: 'now' };

interface Pane {
  datasource?: unknown;
  range?: { from?: unknown; to?: unknown };
  [other: string]: unknown;
}

/** Whether the panel is in Explore, by the URL; Grafana does not pass this to panels. */
export function isInExplore(): boolean {
  return locationService.getLocation().pathname.endsWith('/explore');
}

/** Sets the time range to the last minutes: of the dashboard, or of Explore's panes that query `uids` for `range`. */
export function showLastMinutes(range: RawTimeRange, uids: readonly string[]): void {
  if (!isInExplore()) {
    locationService.partial(lastMinutes);
    return;
  }
  const panes = panesOf(locationService.getSearchObject().panes);
  if (panes === undefined) {
    return;
  }
  const asks = ({ datasource, range: asked }: Pane) =>
    uids.some((uid) => uid === datasource) && same(asked?.from, range.from) && same(asked?.to, range.to);
  const names = Object.keys(panes);
  const asking = names.filter((name) => asks(panes[name] ?? {}));
  // Where no pane matches, such as by another notation of the range, all change.
  const changed = asking.length > 0 ? asking : names;
  const entries = Object.entries(panes).map(([name, pane]) => [
    name,
    changed.includes(name) ? { ...pane, range: lastMinutes } : pane,
  ]);
  locationService.partial({ panes: JSON.stringify(Object.fromEntries(entries)) });
}

function panesOf(value: unknown): Record<string, Pane> | undefined {
  try {
    const panes: unknown = JSON.parse(String(value));
    return typeof panes === 'object' && panes !== null ? (panes as Record<string, Pane>) : undefined;
  } catch {
    // Without panes in the URL there is nothing to change.
    return undefined;
  }
}

/** Whether a time in Explore's URL, where absolute times are Unix milliseconds, equals a raw one. */
function same(written: unknown, raw: RawTimeRange['from']): boolean {
  return String(written) === (typeof raw === 'string' ? raw : String(raw.valueOf()));
}
