import { filterLabels } from './query/generated';
import { maxAnnotations, maxGroups, maxLimit, maxNames } from './query/model';
import type { FilterField, GroupField } from './query/fields';

/** Labels of the fields that flows can be grouped by but not filtered by. */
const groupLabels: Record<Exclude<GroupField, FilterField>, string> = {
  source: 'Source',
  destination: 'Destination',
  level: 'Level',
};

const fieldHints: Partial<Record<FilterField, string>> = {
  pod: 'Prefix of a pod name, or namespace/prefix',
  fromPod: 'Prefix of a pod name, or namespace/prefix',
  toPod: 'Prefix of a pod name, or namespace/prefix',
  ip: 'An address or a range such as 10.0.0.0/8',
  fromIp: 'An address or a range such as 10.0.0.0/8',
  toIp: 'An address or a range such as 10.0.0.0/8',
  fqdn: 'A DNS name; * matches any characters',
  fromFqdn: 'A DNS name; * matches any characters',
  toFqdn: 'A DNS name; * matches any characters',
  label: 'A label selector such as app=store-front',
  fromLabel: 'A label selector such as app=store-front',
  toLabel: 'A label selector such as app=store-front',
  identity: 'A number or a reserved name such as world',
  fromIdentity: 'A number or a reserved name such as world',
  toIdentity: 'A number or a reserved name such as world',
  httpStatus: 'A status such as 404, or 5+ for 500 to 599',
  tcpFlags: 'Flags that are set together, such as SYN,ACK',
  type: 'An event type such as drop or trace, or with a subtype: trace:to-endpoint',
  nodeName: 'A node, or cluster/node; * matches any characters',
  service: 'Prefix of a Service name, or namespace/prefix',
  fromService: 'Prefix of a Service name, or namespace/prefix',
  toService: 'Prefix of a Service name, or namespace/prefix',
  snatIp: 'The address after source NAT, or a range',
  ipVersion: 'v4, v6 or none',
  dnsQuery: 'An exact DNS name',
  httpMethod: 'A method such as GET',
  httpPath: 'A regular expression (RE2) for the path',
  httpUrl: 'A regular expression (RE2) for the URL',
  httpHeader: 'A name and a value such as foo:bar',
  nodeLabel: 'A label selector for the labels of the node',
  allNamespaces: 'true: source or destination is a pod, in any namespace',
  fromAllNamespaces: 'true: the source is a pod, in any namespace',
  toAllNamespaces: 'true: the destination is a pod, in any namespace',
  celExpression: 'An expression that the relay evaluates',
};

/** The strings of the data source's editors. Sentence case; words as in Grafana's own editors. */
export const text = {
  lazy: {
    editor: { loading: 'Loading editor…', failed: 'The query editor did not load. Reload the page.' },
    settings: { loading: 'Loading settings…', failed: 'The settings did not load. Reload the page.' },
    help: { loading: 'Loading help…', failed: 'The help did not load. Reload the page.' },
    variable: { loading: 'Loading editor…', failed: 'The variable editor did not load. Reload the page.' },
  },
  slices: {
    broken: (flows: number, why: string) =>
      `the answer broke off after ${flows.toLocaleString()} flows, older ones are missing: ${why}`,
    ended: 'the connection was closed',
    failed: (status: number) => `the query failed with status ${status}`,
  },
  live: {
    failed: 'The code of live queries did not load. Reload the page.',
    refused:
      'Grafana refused the live channel: you may lack the permission to query this data source, or this page is older than the plugin. Reload the page.',
  },
  query: {
    type: 'Query type',
    flows: 'Flows',
    flowsDescription: 'Flows from the memory of Hubble Relay',
    flowMetrics: 'Flow metrics',
    flowMetricsDescription: 'The number of flows, over time or as a ranking',
    serviceMap: 'Service map',
    serviceMapDescription: 'Connections between workloads, for the node graph',
    dnsConnections: 'DNS',
    dnsConnectionsDescription: 'DNS names, with the connections that followed each lookup',
    flowAnnotations: 'Drop annotations',
    flowAnnotationsDescription: 'The first drop between each source and destination',
    promql: 'PromQL',
    promqlDescription: 'Metrics from Prometheus',
    run: 'Run query',
    runHint: 'Shift+Enter',
  },
  flows: {
    filters: 'Filters',
    mode: 'Editor mode',
    modes: { builder: 'Builder', text: 'Code' },
    modeHints: { builder: 'One row for each filter', text: 'A hubble observe command line' },
    line: 'hubble observe command line',
    lineHint:
      'All flows in the time range. Paste a command, such as: hubble observe --namespace pets --verdict DROPPED',
    lineIsWrong: 'The line has errors. Fix or clear it to use the builder.',
    notConverted: (why: string) => `Not converted: ${why}`,
    copy: 'Copy as hubble command',
    copied: 'Copied',
    copyFailed: (why: string) => `Not copied: ${why}`,
    adhoc: 'Ad hoc filter',
    adhocHint: 'Set by a click on a value. It restricts the other filters further.',
    raw: { allowlist: 'Or filter in JSON', denylist: 'Not filter in JSON' },
    selectors: { since: 'Since', until: 'Until', last: 'Last', first: 'First', all: 'All', follow: 'Follow' },
    removePart: (part: string) => `Remove ${part}`,
    excludeHint: 'Several “is not” rows leave out only the flows that match all of them, like --not in hubble observe.',
    none: 'All flows in the time range. Add filters to narrow the query.',
    add: 'Add filter',
    remove: (field: string) => `Remove filter ${field.toLowerCase()}`,
    field: 'Field',
    side: 'Operator',
    values: 'Values',
    rowLabel: (field: string) => `Filter ${field.toLowerCase()}`,
    sides: { filter: 'is', exclude: 'is not' },
    or: ' or ',
    sideHints: {
      filter: 'Only flows with one of the values',
      exclude: 'Only flows without any of the values',
    },
    valuesPlaceholder: 'Select or type a value',
    customValue: 'Use custom value',
    suggestionsFailed: (why: string) => `No suggestions: ${why}`,
    variables: 'Dashboard variables',
    format: 'Format',
    formats: { table: 'Table', logs: 'Logs', packed: 'Packed' },
    formatHints: {
      table: 'One row per flow, for any panel',
      logs: 'One log line per flow, with labels, volume and context',
      packed: 'Compressed, for the Hubble flows panel',
    },
    limit: 'Limit',
    limitHint: `Maximum number of flows, 1 to ${maxLimit.toLocaleString('en')}. The newest are kept.`,
    limitError: `Enter a whole number from 1 to ${maxLimit.toLocaleString('en')}`,
  },
  help: {
    title: 'Hubble queries',
    introduction: 'Click an example to use it. In Code mode you can paste any hubble observe command.',
    rules: [
      'Several values of one flag mean “or”; several flags mean “and”.',
      'Flags without a side (--pod, --ip, --label, --port) match source or destination.',
      'Several flags after --not leave out only the flows that match all of them, as in hubble observe.',
      'A pod without a namespace is looked up in the namespace default; namespace/ means all pods of that namespace.',
      'Hubble keeps only the latest flows of each node. A notice says where that memory begins.',
    ],
  },
  logs: {
    context: 'Show flows of',
    scopes: { pair: 'Same pair', direction: 'Same direction', source: 'Source', destination: 'Destination' },
    scopeHints: {
      pair: 'Between source and destination, in both directions',
      direction: 'From this source to this destination',
      source: 'All flows from or to this source',
      destination: 'All flows from or to this destination',
    },
  },
  /** Groups of filter keys, where a dashboard has both flows and PromQL. */
  adhoc: { flows: 'Flows', labels: 'Prometheus labels' },
  flowMetrics: {
    metric: 'Metric',
    metrics: { count: 'Count', rate: 'Rate', dropRatio: 'Drop ratio', distinctPeers: 'Distinct peers' },
    metricHints: {
      count: 'Number of flows',
      rate: 'Flows per second',
      dropRatio: 'Dropped flows as a share of all flows, 0 to 1',
      distinctPeers: 'Number of different pairs of source and destination',
    },
    groupBy: 'Group by',
    groupByHint: 'One series for each combination of values',
    groupByPlaceholder: 'All flows together',
    format: 'Format',
    formats: { time_series: 'Time series', top: 'Ranking' },
    formatHints: { time_series: 'Values over time', top: 'One value per group for the whole time range' },
    limit: 'Limit',
    limitHint: `Maximum number of groups, 1 to ${maxGroups}. The largest are shown; the rest is added up as other.`,
    limitError: `Enter a whole number from 1 to ${maxGroups}`,
  },
  flowAnnotations: {
    limit: 'Limit',
    limitHint: `Maximum number of annotations, 1 to ${maxAnnotations.toLocaleString('en')}. Pairs with the most drops are kept.`,
    limitError: `Enter a whole number from 1 to ${maxAnnotations.toLocaleString('en')}`,
  },
  dnsConnections: {
    ip: 'Answer contains IP',
    ipHint: 'Show only names that resolved to this address',
    limit: 'Limit',
    limitHint: `Maximum number of rows, 1 to ${maxNames.toLocaleString('en')}`,
    limitError: `Enter a whole number from 1 to ${maxNames.toLocaleString('en')}`,
  },
  serviceMap: {
    by: 'Group nodes by',
    nodes: { workload: 'Workload', namespace: 'Namespace', pod: 'Pod', identity: 'Identity' },
    byHint: 'What a node of the graph represents',
  },
  promql: {
    expression: 'PromQL expression',
    options: 'Options',
    legend: 'Legend',
    legendHint: 'Series name: __auto, or text with labels such as {{reason}}',
    minStep: 'Min step',
    minStepHint:
      'Lower limit for the step, such as 30s. $__rate_interval is at least four scrape intervals in any case.',
    type: 'Type',
    types: { range: 'Range', instant: 'Instant', both: 'Both' },
    format: 'Format',
    formats: { time_series: 'Time series', table: 'Table', heatmap: 'Heatmap' },
    exemplars: 'Exemplars',
  },
  variables: {
    kind: 'Query type',
    text: 'Classic query',
    textHint: 'One line of text, for Prometheus or for Hubble',
    kinds: {
      namespaces: 'Namespaces',
      workloads: 'Workloads',
      pods: 'Pods',
      nodes: 'Nodes',
      labels: 'Labels',
      identities: 'Identities',
      verdicts: 'Verdicts',
      drop_reasons: 'Drop reasons',
    },
    namespace: 'Namespace',
    workload: 'Workload',
    narrowHint: 'A name, a pattern with *, or a variable such as $namespace. Leave empty for all.',
    pattern: 'Pattern',
    patternHint: 'Only values that match; * matches any characters. Leave empty for all.',
    query: 'Query',
    placeholder: 'label_values(hubble_drop_total, reason)',
    forms: [
      { form: 'label_values(metric, label)', meaning: 'Values of a label, of one metric or of all' },
      { form: 'label_names()', meaning: 'Names of all labels' },
      { form: 'metrics(regex)', meaning: 'Names of metrics' },
      { form: 'query_result(promql)', meaning: 'Series of an instant query' },
      { form: 'pods(namespace, workload, pattern)', meaning: 'Hubble: pods, and likewise the other query types above' },
    ],
  },
  health: {
    delegated: (name: string) => `The data source ${name} answers PromQL, except in alert rules.`,
  },
} as const;

/** Groups of a log line's labels, by the backend's name of the group. */
export const logLabelTypes: Record<string, string> = { source: 'Source', destination: 'Destination', flow: 'Flow' };

export function labelOf(field: FilterField): string {
  return filterLabels[field];
}

export function groupLabelOf(field: GroupField): string {
  return field in groupLabels ? groupLabels[field as keyof typeof groupLabels] : filterLabels[field as FilterField];
}

export function hintOf(field: FilterField): string | undefined {
  return fieldHints[field];
}
