import { SupplementaryQueryType, type DataQueryRequest } from '@grafana/data';

import { isFlows, selectionOf, type FlowMetricsQuery, type HubbleQuery } from '../query/model';

/** The prefix by which Explore finds the query of a log volume. */
const volumePrefix = 'log-volume-';

/** Limit of groups, above the number of log levels. */
const levels = 10;

/** The query for a log volume: flows by level over time. Undefined for queries without log lines. */
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

/** The request for the log volume; undefined without queries for log lines. */
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
