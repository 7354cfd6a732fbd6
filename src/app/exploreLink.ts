import { locationUtil, urlUtil, type RawTimeRange } from '@grafana/data';

import type { FlowFilter } from '../datasource/query/model';
import { datasourceId } from '../pluginIds';

/** What to look for, of a flows query. */
export interface Wanted {
  filter?: FlowFilter;
  exclude?: FlowFilter;
}

const lastQuarterOfAnHour: RawTimeRange = { from: 'now-15m', to: 'now' };

/** Explore with this data source: with the query that it proposes itself, or one for each of `wanted`. */
export function exploreLink(uid: string, wanted: Wanted[] = [{}], range: RawTimeRange = lastQuarterOfAnHour): string {
  const datasource = { type: datasourceId, uid };
  const queries = wanted.map((flows, index) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource,
    queryType: 'flows',
    format: 'packed',
    ...flows,
  }));
  const panes = { flows: { datasource: uid, queries, range: { from: timeOf(range.from), to: timeOf(range.to) } } };
  return locationUtil.assureBaseUrl(urlUtil.renderUrl('/explore', { schemaVersion: 1, panes: JSON.stringify(panes) }));
}

/** `now-5m` as it is, a point in time as its milliseconds. */
function timeOf(time: RawTimeRange['from']): string {
  return typeof time === 'string' ? time : String(time.valueOf());
}
