import { rangeUtil, type DataQueryRequest } from '@grafana/data';

import { isPromql, type HubbleQuery } from './query/model';

/** Default scrape interval of Grafana's Prometheus source. */
export const defaultScrapeInterval = '15s';

/** Lower limit of the step for flows, which do not depend on a scrape interval. */
const leastFlowStep = '1s';

/**
 * The request with a step for flows. Grafana limits the step of every query by the data source's scrape interval, which
 * matters only to Prometheus: where that limit applied, the step is computed again without it. With PromQL in the same
 * panel, all queries keep its step.
 */
export function withFlowStep(
  request: DataQueryRequest<HubbleQuery>,
  scrapeInterval: string
): DataQueryRequest<HubbleQuery> {
  const { intervalMs, maxDataPoints, range, targets } = request;
  const isBounded = maxDataPoints !== undefined && intervalMs === rangeUtil.intervalToMs(scrapeInterval);
  if (!isBounded || targets.some(isPromql)) {
    return request;
  }
  const own = rangeUtil.calculateInterval(range, maxDataPoints, leastFlowStep);
  return own.intervalMs < intervalMs ? { ...request, ...own } : request;
}
