import type { FlowFilter } from '../../datasource/query/model';
import type { FilterField } from '../../datasource/query/fields';

/** Families of metrics with the filter that all of their flows match. The first family that fits a metric applies. */
const families: Array<{ metric: RegExp; filter: FlowFilter }> = [
  // Metrics about Hubble itself, not about flows.
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

/** The filter that all flows behind a metric match; undefined for a metric that does not count flows. */
export function flowsOf(metric: string): FlowFilter | undefined {
  const family = families.find((candidate) => candidate.metric.test(metric));
  return family === undefined || family === families[0] ? undefined : family.filter;
}

/** Labels of the scrape, and labels that all series of a family share. */
export const ignoredLabels: ReadonlySet<string> = new Set([
  'cluster',
  'job',
  'le',
  'quantile',
  'container',
  'endpoint',
  'service',
  'family',
]);

/** Filter fields by label, with the translation of the label's values. */
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

/** The protocol in a label: `HTTP/1.1` in Hubble's HTTP metrics, `TCP` in others. */
function protocolOf(label: string): string {
  return label.split('/')[0]?.toLowerCase() ?? '';
}
