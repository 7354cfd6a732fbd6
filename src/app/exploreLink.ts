import { locationUtil, urlUtil, type RawTimeRange } from '@grafana/data';

import type { FlowFilter } from '../datasource/query/model';
import { datasourceId } from '../pluginIds';

/** The filters of one flows query. */
export interface FlowConditions {
  filter?: FlowFilter;
  exclude?: FlowFilter;
  /** Filters in Hubble's JSON, of which one must match. */
  allowlist?: string[];
}

const lastQuarterOfAnHour: RawTimeRange = { from: 'now-15m', to: 'now' };

/** A link to Explore with this data source: its default query, or one flows query for each of `conditions`. */
export function exploreLink(
  uid: string,
  conditions: FlowConditions[] = [{}],
  range: RawTimeRange = lastQuarterOfAnHour
): string {
  const datasource = { type: datasourceId, uid };
  const queries = conditions.map((flows, index) => ({
    refId: String.fromCharCode('A'.charCodeAt(0) + index),
    datasource,
    queryType: 'flows',
    format: 'packed',
    ...flows,
  }));
  const panes = { flows: { datasource: uid, queries, range: { from: timeOf(range.from), to: timeOf(range.to) } } };
  return locationUtil.assureBaseUrl(urlUtil.renderUrl('/explore', { schemaVersion: 1, panes: JSON.stringify(panes) }));
}

/** A relative time as it is (`now-5m`), an absolute one in Unix milliseconds. */
function timeOf(time: RawTimeRange['from']): string {
  return typeof time === 'string' ? time : String(time.valueOf());
}
