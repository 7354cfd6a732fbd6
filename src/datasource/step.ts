import { rangeUtil, type DataQueryRequest } from '@grafana/data';

import { isPromql, type HubbleQuery } from './query/model';

/** What Grafana's Prometheus source takes for the scrape interval where none is set. */
export const defaultScrapeInterval = '15s';

/** Flows carry their own time: no scrape lies between two of them. */
const leastFlowStep = '1s';

/**
 * The request with a step for flows. Grafana bounds the step of every query by the source's scrape
 * interval, which is Prometheus' alone: where the bound is what was met, flows are counted by the
 * step that the range and the width ask for. With PromQL in the same panel all keep its step.
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
