import { groupKeys, type FilterField, type GroupField } from './generated';

export type { FilterField, GroupField } from './generated';
export { allChoices, nameScopes } from './generated';

/** The fields of a flow filter in the order of the editor: flags of `hubble observe` in camel case. */
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
  'service',
  'fromService',
  'toService',
  'dropReasonDesc',
  'protocol',
  'port',
  'fromPort',
  'toPort',
  'ip',
  'fromIp',
  'toIp',
  'snatIp',
  'ipVersion',
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
  'reply',
  'encrypted',
  'tcpFlags',
  'dnsQuery',
  'httpMethod',
  'httpPath',
  'httpStatus',
  'httpUrl',
  'httpHeader',
  'nodeName',
  'nodeLabel',
  'cluster',
  'fromCluster',
  'toCluster',
  'interface',
  'allNamespaces',
  'fromAllNamespaces',
  'toAllNamespaces',
  'traceId',
  'ipTraceId',
  'celExpression',
  'uuid',
] as const satisfies readonly FilterField[];

type Offered = (typeof filterFields)[number];

// Does not compile when a field of the model is missing above.
const everyFieldIsOffered: Exclude<FilterField, Offered> extends never ? true : never = true;

const known: ReadonlySet<string> = new Set(everyFieldIsOffered ? filterFields : []);

export function isFilterField(name: string): name is FilterField {
  return known.has(name);
}

/** The flag of a field: `--from-namespace` for `fromNamespace`. */
export function flagOf(field: FilterField): string {
  return `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The fields that flows can be grouped by, in the order of the editor. */
export const groupFields = groupKeys;

const groups: ReadonlySet<string> = new Set(groupFields);

export function isGroupField(name: string): name is GroupField {
  return groups.has(name);
}
