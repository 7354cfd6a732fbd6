import type { RawTimeRange } from '@grafana/data';
import { locationService } from '@grafana/runtime';

const lastMinutes = { from: 'now-5m', to: 'now' };

interface Pane {
  datasource?: unknown;
  range?: { from?: unknown; to?: unknown };
  [other: string]: unknown;
}

/** Whether the panel stands in Explore, which tells its panels nothing of itself and keeps no options for them. */
export function isInExplore(): boolean {
  return locationService.getLocation().pathname.endsWith('/explore');
}

/** Asks for the last minutes in place of `range`: of the dashboard, or of the pane of Explore that asked `uids` for it. */
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
  // A pane whose range is written in another way cannot be told from its neighbour; a single one can.
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
    // Without panes in the address there is nothing that could be changed.
    return undefined;
  }
}

/** Explore's address holds a point in time as its milliseconds. */
function same(written: unknown, raw: RawTimeRange['from']): boolean {
  return String(written) === (typeof raw === 'string' ? raw : String(raw.valueOf()));
}
