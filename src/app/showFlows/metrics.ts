import type { FlowFilter } from '../../datasource/query/model';
import type { FilterField } from '../../datasource/query/fields';

/** Metrics that count flows, and what every flow that they count has in common. The first that fits holds. */
const families: Array<{ metric: RegExp; filter: FlowFilter }> = [
  // Hubble's own health: no flow stands behind it.
  { metric: /^hubble_(lost_events|relay|metrics|dynamic_exporter|rpc|ui)_/, filter: {} },
  { metric: /^(hubble_drop_|cilium_drop_)/, filter: { verdict: ['DROPPED'] } },
  { metric: /^networkobservability_(adv_)?drop_/, filter: { verdict: ['DROPPED'] } },
  { metric: /^(hubble|networkobservability(_adv)?)_dns_/, filter: { protocol: ['dns'] } },
  { metric: /^hubble_http_/, filter: { protocol: ['http'] } },
  { metric: /^(hubble_tcp_flags_|networkobservability_(adv_)?tcp)/, filter: { protocol: ['tcp'] } },
  { metric: /^networkobservability_udp_/, filter: { protocol: ['udp'] } },
  { metric: /^hubble_icmp_/, filter: { protocol: ['icmp'] } },
  { metric: /^hubble_policy_verdicts_/, filter: { type: ['policy-verdict', 'l7'] } },
  { metric: /^(hubble_|networkobservability_)/, filter: {} },
];

/** What the flows behind a metric have in common; `undefined` where a metric counts no flows. */
export function flowsOf(metric: string): FlowFilter | undefined {
  const family = families.find((candidate) => candidate.metric.test(metric));
  return family === undefined || family === families[0] ? undefined : family.filter;
}

/** Labels that say where a series comes from, or that every series of a family has. */
export const saysNothing: ReadonlySet<string> = new Set([
  'cluster',
  'job',
  'le',
  'quantile',
  'container',
  'endpoint',
  'service',
  'family',
]);

/** Labels whose values are those of a filter field, once translated. */
export const fieldOfLabel: Partial<Record<string, { field: FilterField; value?: (label: string) => string }>> = {
  source: { field: 'fromPod' },
  destination: { field: 'toPod' },
  source_namespace: { field: 'fromNamespace' },
  destination_namespace: { field: 'toNamespace' },
  source_workload: { field: 'fromWorkload' },
  destination_workload: { field: 'toWorkload' },
  source_ip: { field: 'fromIp' },
  destination_ip: { field: 'toIp' },
  source_app: { field: 'fromLabel', value: (app) => `app=${app}` },
  destination_app: { field: 'toLabel', value: (app) => `app=${app}` },
  namespace: { field: 'namespace' },
  podname: { field: 'pod' },
  workload_name: { field: 'workload' },
  reason: { field: 'dropReasonDesc' },
  verdict: { field: 'verdict' },
  action: { field: 'verdict', value: (action) => action.toUpperCase() },
  direction: { field: 'trafficDirection', value: (direction) => direction.toUpperCase() },
  protocol: { field: 'protocol', value: protocolOf },
  status: { field: 'httpStatus' },
  flag: { field: 'tcpFlags', value: (flag) => flag.replaceAll('-', ',') },
  port: { field: 'toPort' },
};

/** `HTTP/1.1` of Hubble's HTTP metrics, `TCP` of all others. */
function protocolOf(label: string): string {
  return label.split('/')[0]?.toLowerCase() ?? '';
}
