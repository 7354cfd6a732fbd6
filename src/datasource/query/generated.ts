// Made from the crate `query` by `cargo xtask gen`; change it there.

/** Flags of `hubble observe` that filter flows. */
export const filterKeys = [
  'verdict',
  'dropReasonDesc',
  'trafficDirection',
  'type',
  'namespace',
  'fromNamespace',
  'toNamespace',
  'allNamespaces',
  'fromAllNamespaces',
  'toAllNamespaces',
  'pod',
  'fromPod',
  'toPod',
  'service',
  'fromService',
  'toService',
  'workload',
  'fromWorkload',
  'toWorkload',
  'label',
  'fromLabel',
  'toLabel',
  'ip',
  'fromIp',
  'toIp',
  'snatIp',
  'ipVersion',
  'fqdn',
  'fromFqdn',
  'toFqdn',
  'port',
  'fromPort',
  'toPort',
  'identity',
  'fromIdentity',
  'toIdentity',
  'protocol',
  'dnsQuery',
  'httpStatus',
  'httpMethod',
  'httpPath',
  'httpUrl',
  'httpHeader',
  'tcpFlags',
  'reply',
  'encrypted',
  'nodeName',
  'nodeLabel',
  'cluster',
  'fromCluster',
  'toCluster',
  'interface',
  'traceId',
  'ipTraceId',
  'celExpression',
  'uuid',
] as const;

export type FilterField = (typeof filterKeys)[number];

/** Fields that group counts of flows. */
export const groupKeys = [
  'verdict',
  'dropReasonDesc',
  'trafficDirection',
  'protocol',
  'type',
  'reply',
  'nodeName',
  'source',
  'fromNamespace',
  'fromPod',
  'fromWorkload',
  'fromIp',
  'fromIdentity',
  'destination',
  'toNamespace',
  'toPod',
  'toWorkload',
  'toIp',
  'toIdentity',
  'toPort',
  'dnsQuery',
  'httpMethod',
  'httpStatus',
  'level',
] as const;

export type GroupField = (typeof groupKeys)[number];

/** Label of each filter in the query editor. */
export const filterLabels: Readonly<Record<FilterField, string>> = {
  verdict: 'Verdict',
  dropReasonDesc: 'Drop reason',
  trafficDirection: 'Traffic direction',
  type: 'Event type',
  namespace: 'Namespace',
  fromNamespace: 'From namespace',
  toNamespace: 'To namespace',
  allNamespaces: 'Any namespace',
  fromAllNamespaces: 'From any namespace',
  toAllNamespaces: 'To any namespace',
  pod: 'Pod',
  fromPod: 'From pod',
  toPod: 'To pod',
  service: 'Service',
  fromService: 'From service',
  toService: 'To service',
  workload: 'Workload',
  fromWorkload: 'From workload',
  toWorkload: 'To workload',
  label: 'Label',
  fromLabel: 'From label',
  toLabel: 'To label',
  ip: 'IP',
  fromIp: 'From IP',
  toIp: 'To IP',
  snatIp: 'SNAT IP',
  ipVersion: 'IP version',
  fqdn: 'FQDN',
  fromFqdn: 'From FQDN',
  toFqdn: 'To FQDN',
  port: 'Port',
  fromPort: 'From port',
  toPort: 'To port',
  identity: 'Identity',
  fromIdentity: 'From identity',
  toIdentity: 'To identity',
  protocol: 'Protocol',
  dnsQuery: 'DNS query',
  httpStatus: 'HTTP status',
  httpMethod: 'HTTP method',
  httpPath: 'HTTP path',
  httpUrl: 'HTTP URL',
  httpHeader: 'HTTP header',
  tcpFlags: 'TCP flags',
  reply: 'Reply',
  encrypted: 'Encrypted',
  nodeName: 'Node',
  nodeLabel: 'Node label',
  cluster: 'Cluster',
  fromCluster: 'From cluster',
  toCluster: 'To cluster',
  interface: 'Interface',
  traceId: 'Trace ID',
  ipTraceId: 'IP trace ID',
  celExpression: 'CEL expression',
  uuid: 'UUID',
};

/** Filters whose values are names, which never contain braces and are never a lone asterisk. */
export const nameKeys: readonly FilterField[] = [
  'namespace',
  'fromNamespace',
  'toNamespace',
  'pod',
  'fromPod',
  'toPod',
  'workload',
  'fromWorkload',
  'toWorkload',
  'cluster',
  'nodeName',
  'verdict',
  'trafficDirection',
  'protocol',
  'type',
  'dropReasonDesc',
  'httpStatus',
];

/** Values that dashboards use for a variable's "All". */
export const allChoices = ['.*', '.+', '$__all'] as const;

/** Pairs of a filter whose values may begin with a namespace, and the filter of namespaces for the same endpoint. */
export const nameScopes: ReadonlyArray<readonly [FilterField, FilterField]> = [
  ['pod', 'namespace'],
  ['fromPod', 'fromNamespace'],
  ['toPod', 'toNamespace'],
  ['service', 'namespace'],
  ['fromService', 'fromNamespace'],
  ['toService', 'toNamespace'],
];

export type FlowFilter = Partial<Record<FilterField, string[]>>;

export interface AdhocFilter {
  key: string;
  operator: string;
  value: string;
  values?: string[];
}

export interface FormFields {
  text?: string;
  filter?: FlowFilter;
  exclude?: FlowFilter;
  allowlist?: string[];
  denylist?: string[];
  since?: string;
  until?: string;
  last?: number;
  first?: number;
  all?: boolean;
  follow?: boolean;
  adhocFilters?: AdhocFilter[];
}

export type FlowsFormat = 'table' | 'packed' | 'logs';

export interface FlowsFields {
  format?: FlowsFormat;
  limit?: number;
}

export type FlowMetric = 'count' | 'rate' | 'dropRatio' | 'distinctPeers';

export type FlowMetricsFormat = 'time_series' | 'top' | 'long';

export interface FlowMetricsFields {
  metric?: FlowMetric;
  groupBy?: GroupField[];
  format?: FlowMetricsFormat;
  limit?: number;
  minFlows?: number;
}

export type MapBy = 'workload' | 'namespace' | 'pod' | 'identity';

export interface ServiceMapFields {
  by?: MapBy;
}

export interface FlowAnnotationsFields {
  limit?: number;
}

export interface DnsConnectionsFields {
  ip?: string;
  limit?: number;
}

export type PromqlFormat = 'time_series' | 'table' | 'heatmap';

export interface PromqlFields {
  expr?: string;
  range?: boolean;
  instant?: boolean;
  exemplar?: boolean;
  legendFormat?: string;
  interval?: string;
  intervalFactor?: number;
  intervalMs?: number;
  utcOffsetSec?: number;
  format?: PromqlFormat;
}

/** The colour of each verdict, by Grafana's names. */
export const verdictColors = {
  DROPPED: 'red',
  FORWARDED: 'green',
  REDIRECTED: 'blue',
  AUDIT: 'orange',
  ERROR: 'orange',
  TRACED: 'purple',
  TRANSLATED: 'purple',
} as const;

export const defaultLimit = 1000;
export const maxLimit = 100000;
export const defaultGroups = 20;
export const maxGroups = 500;
export const defaultAnnotations = 20;
export const maxAnnotations = 1000;
export const defaultNames = 1000;
export const maxNames = 10000;
