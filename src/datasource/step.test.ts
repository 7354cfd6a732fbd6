import { dateTime, type DataQueryRequest } from '@grafana/data';

import type { HubbleQuery } from './query/model';
import { withFlowStep } from './step';

const flowMetrics = { refId: 'A', queryType: 'flowMetrics' };
const promql = { refId: 'B', queryType: 'promql', expr: 'up' };

/** A request for the last `minutes` in 1,000 points. */
function request(minutes: number, intervalMs: number, targets: unknown[]): DataQueryRequest<HubbleQuery> {
  const [from, to] = [dateTime(0), dateTime(minutes * 60_000)];
  const range = { from, to, raw: { from, to } };
  return { range, intervalMs, maxDataPoints: 1_000, targets } as DataQueryRequest<HubbleQuery>;
}

test.each<[string, number, number, unknown[], number]>([
  ['the scrape interval bounds no flows', 30, 15_000, [flowMetrics], 2_000],
  ['but a second does', 1, 15_000, [flowMetrics], 1_000],
  ['PromQL keeps it', 30, 15_000, [promql], 15_000],
  ['and so does what stands beside it', 30, 15_000, [flowMetrics, promql], 15_000],
  ['a step of the panel stays', 30, 5_000, [flowMetrics], 5_000],
  ['a long range has a longer one', 24 * 60, 60_000, [flowMetrics], 60_000],
  ['which may be the scrape interval', 300, 15_000, [flowMetrics], 15_000],
])('%s', (_, minutes, intervalMs, targets, expected) => {
  expect(withFlowStep(request(minutes, intervalMs, targets), '15s').intervalMs).toBe(expected);
});
