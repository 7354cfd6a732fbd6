/** Fields of a flow filter, named as the flags of `hubble observe` in camel case, in the order in which they are offered. */
export const filterFields = [
  'verdict',
  'trafficDirection',
  'namespace',
  'fromNamespace',
  'toNamespace',
  'pod',
  'fromPod',
  'toPod',
  'workload',
  'fromWorkload',
  'toWorkload',
  'dropReasonDesc',
  'protocol',
  'port',
  'fromPort',
  'toPort',
  'ip',
  'fromIp',
  'toIp',
  'fqdn',
  'fromFqdn',
  'toFqdn',
  'label',
  'fromLabel',
  'toLabel',
  'identity',
  'fromIdentity',
  'toIdentity',
  'type',
  'nodeName',
  'httpStatus',
  'tcpFlags',
  'reply',
  'uuid',
] as const;

export type FilterField = (typeof filterFields)[number];

const known: ReadonlySet<string> = new Set(filterFields);

export function isFilterField(name: string): name is FilterField {
  return known.has(name);
}
