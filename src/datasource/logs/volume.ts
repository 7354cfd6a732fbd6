import { SupplementaryQueryType, type DataQueryRequest } from '@grafana/data';

import { isFlows, selectionOf, type FlowMetricsQuery, type HubbleQuery } from '../query/model';

/** Explore finds the query that a volume belongs to by this. */
const volumePrefix = 'log-volume-';

/** More levels than there are. */
const levels = 10;

/** The flows of a query for log lines, counted by level over time. */
export function volumeQuery(query: HubbleQuery): FlowMetricsQuery | undefined {
  if (!isFlows(query) || query.format !== 'logs' || query.hide) {
    return undefined;
  }
  return {
    refId: `${volumePrefix}${query.refId}`,
    datasource: query.datasource,
    queryType: 'flowMetrics',
    ...selectionOf(query),
    metric: 'count',
    groupBy: ['level'],
    format: 'time_series',
    limit: levels,
  };
}

/** The request for the histogram above the log lines; undefined where no query asks for log lines. */
export function supplementaryRequest(
  type: SupplementaryQueryType,
  request: DataQueryRequest<HubbleQuery>
): DataQueryRequest<HubbleQuery> | undefined {
  if (type !== SupplementaryQueryType.LogsVolume) {
    return undefined;
  }
  const targets = request.targets.flatMap((target) => volumeQuery(target) ?? []);
  return targets.length > 0 ? { ...request, targets } : undefined;
}
