import type { FilterField } from '../../datasource/query/fields';
import type { FlowFilter } from '../../datasource/query/model';
import type { FlowConditions } from '../exploreLink';
import { fieldOfLabel, flowsOf, ignoredLabels } from './metrics';
import { vectorSelectors, type Matcher, type Selector } from './selectors';
import { matchedValues } from './values';

/** A flow filter for the flows that a PromQL selector counts. */
export interface FlowsBehind {
  filter: FlowFilter;
  exclude: FlowFilter;
  /** Matchers that the filter does not cover, as they stand in the expression. */
  unsupported: string[];
  /** Matchers that the filter covers by a prefix, and so selects more. */
  widened: string[];
}

/** The distinct filters for the flows that expressions count. The variables of the expressions must be replaced. */
export function flowsBehind(exprs: readonly string[]): FlowsBehind[] {
  const found = new Map<string, FlowsBehind>();
  for (const selector of exprs.flatMap(vectorSelectors)) {
    const flows = flowsBehindSelector(selector);
    if (flows !== undefined) {
      const key = JSON.stringify([flows.filter, flows.exclude]);
      const known = found.get(key);
      found.set(key, known === undefined ? flows : merged(known, flows));
    }
  }
  return [...found.values()];
}

/** The part of each filter that a query takes. */
export function conditionsOf(flows: readonly FlowsBehind[]): FlowConditions[] {
  return flows.map(({ filter, exclude }) => ({
    ...(Object.keys(filter).length > 0 && { filter }),
    ...(Object.keys(exclude).length > 0 && { exclude }),
  }));
}

function merged(one: FlowsBehind, other: FlowsBehind): FlowsBehind {
  return {
    ...one,
    unsupported: [...new Set([...one.unsupported, ...other.unsupported])],
    widened: [...new Set([...one.widened, ...other.widened])],
  };
}

function flowsBehindSelector({ metric, matchers }: Selector): FlowsBehind | undefined {
  const common = flowsOf(metric);
  if (common === undefined) {
    return undefined;
  }
  const flows: FlowsBehind = { filter: { ...common }, exclude: {}, unsupported: [], widened: [] };
  for (const matcher of matchers) {
    applyMatcher(matcher, flows);
  }
  joinNamespaces(flows.filter);
  const { pod } = flows.filter;
  if (pod?.some((name) => !name.includes('/'))) {
    // Without a namespace Hubble would look for it in `default`.
    delete flows.filter.pod;
    flows.unsupported.push(`podname=~"${pod.join('|')}"`);
  } else {
    applyDirection(flows.filter);
  }
  return flows;
}

function applyMatcher(matcher: Matcher, flows: FlowsBehind) {
  const { label, operator, value } = matcher;
  if (ignoredLabels.has(label)) {
    return;
  }
  const written = `${label}${operator}"${value}"`;
  const matched = matchedValues(matcher);
  const target = fieldOfLabel[label];
  if (matched === 'everything') {
    return;
  }
  const node = label === 'instance' ? nodeOf(matcher) : undefined;
  if (node !== undefined) {
    flows.filter.nodeName = [node];
    return;
  }
  if (matched === 'unknown' || target === undefined || (matched.widened && !prefixFields.has(target.field))) {
    flows.unsupported.push(written);
    return;
  }
  const field = fieldOf(target.field, matched.values);
  if (field === undefined) {
    flows.unsupported.push(written);
    return;
  }
  const values = target.value === undefined ? matched.values : matched.values.map(target.value);
  if (matched.negated) {
    // Hubble leaves out flows that match all excluded fields, so two negations cannot be combined.
    if (Object.keys(flows.exclude).length > 0) {
      flows.unsupported.push(written);
    } else {
      flows.exclude[field] = values;
    }
    return;
  }
  const before = flows.filter[field];
  flows.filter[field] = before === undefined ? values : narrowed(before, values, field);
  if (matched.widened) {
    flows.widened.push(written);
  }
}

/** Fields that Hubble matches by prefix. */
const prefixFields: ReadonlySet<FilterField> = new Set(['pod', 'fromPod', 'toPod']);

/**
 * The field for values of `source` and `destination`. Hubble's context options decide their kind: a pod with its
 * namespace, an address, a reserved label, or a name of unknown kind, for which there is no field.
 */
function fieldOf(field: FilterField, values: string[]): FilterField | undefined {
  if (field !== 'fromPod' && field !== 'toPod') {
    return field;
  }
  if (values.every((value) => /^[^:/]+\/[^:/]*$/.test(value))) {
    return field;
  }
  if (values.every((value) => /^([0-9]+\.){3}[0-9]+$|^[0-9a-f]*:[0-9a-f:.]+$/.test(value))) {
    return field === 'fromPod' ? 'fromIp' : 'toIp';
  }
  if (values.every((value) => value.startsWith('reserved:'))) {
    return field === 'fromPod' ? 'fromLabel' : 'toLabel';
  }
  return undefined;
}

/** The narrower of the metric's own condition and a label's. */
function narrowed(before: string[], values: string[], field: FilterField): string[] {
  const both = before.filter((value) => values.includes(value));
  return field === 'protocol' || both.length === 0 ? values : both;
}

/** The node in the label `instance`: Azure's scrape configuration writes its name, others an address. */
function nodeOf({ operator, value }: Matcher): string | undefined {
  return operator === '=' && /^[a-z][a-z0-9.-]*$/i.test(value) ? value : undefined;
}

/** Joins namespaces with the pods and workloads of other labels into `namespace/name`. */
function joinNamespaces(filter: FlowFilter) {
  pair(filter, 'namespace', 'pod');
  pair(filter, 'namespace', 'workload');
  pair(filter, 'fromNamespace', 'fromWorkload');
  pair(filter, 'toNamespace', 'toWorkload');
}

/** Makes a pod the source or the destination, by the direction of its series. */
function applyDirection(filter: FlowFilter) {
  const { pod, trafficDirection } = filter;
  if (pod !== undefined && trafficDirection?.length === 1) {
    const field: FilterField = trafficDirection[0] === 'INGRESS' ? 'toPod' : 'fromPod';
    filter[field] = pod;
    delete filter.pod;
  }
}

function pair(filter: FlowFilter, namespace: FilterField, name: FilterField) {
  const namespaces = filter[namespace];
  const names = filter[name];
  if (names === undefined) {
    return;
  }
  if (namespaces !== undefined) {
    filter[name] = namespaces.flatMap((one) => names.map((bare) => (bare.includes('/') ? bare : `${one}/${bare}`)));
    delete filter[namespace];
  }
}
