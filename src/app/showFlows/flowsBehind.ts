import type { FilterField } from '../../datasource/query/fields';
import type { FlowFilter } from '../../datasource/query/model';
import type { Wanted } from '../exploreLink';
import { fieldOfLabel, flowsOf, saysNothing } from './metrics';
import { selectorsOf, type Matcher, type Selector } from './selectors';
import { askedBy } from './values';

/** A filter for the flows that a selector counts. */
export interface FlowsBehind {
  filter: FlowFilter;
  exclude: FlowFilter;
  /** What the selector asks for and the filter does not: matchers as they stand in the expression. */
  left: string[];
  /** Matchers of which the filter asks for more: by the beginning of a name. */
  widened: string[];
}

/** The different filters for the flows that expressions count. Expressions hold no variables any more. */
export function flowsBehind(exprs: readonly string[]): FlowsBehind[] {
  const found = new Map<string, FlowsBehind>();
  for (const selector of exprs.flatMap(selectorsOf)) {
    const flows = flowsBehindSelector(selector);
    if (flows !== undefined) {
      const key = JSON.stringify([flows.filter, flows.exclude]);
      const known = found.get(key);
      found.set(key, known === undefined ? flows : merged(known, flows));
    }
  }
  return [...found.values()];
}

/** The part of each that a query takes. */
export function wanted(flows: readonly FlowsBehind[]): Wanted[] {
  return flows.map(({ filter, exclude }) => ({
    ...(Object.keys(filter).length > 0 && { filter }),
    ...(Object.keys(exclude).length > 0 && { exclude }),
  }));
}

function merged(one: FlowsBehind, other: FlowsBehind): FlowsBehind {
  return {
    ...one,
    left: [...new Set([...one.left, ...other.left])],
    widened: [...new Set([...one.widened, ...other.widened])],
  };
}

function flowsBehindSelector({ metric, matchers }: Selector): FlowsBehind | undefined {
  const common = flowsOf(metric);
  if (common === undefined) {
    return undefined;
  }
  const flows: FlowsBehind = { filter: { ...common }, exclude: {}, left: [], widened: [] };
  for (const matcher of matchers) {
    carry(matcher, flows);
  }
  join(flows.filter);
  const { pod } = flows.filter;
  if (pod?.some((name) => !name.includes('/'))) {
    // Hubble would look for it in the namespace `default`.
    delete flows.filter.pod;
    flows.left.push(`podname=~"${pod.join('|')}"`);
  } else {
    takeSide(flows.filter);
  }
  return flows;
}

function carry(matcher: Matcher, flows: FlowsBehind) {
  const { label, operator, value } = matcher;
  if (saysNothing.has(label)) {
    return;
  }
  const written = `${label}${operator}"${value}"`;
  const asked = askedBy(matcher);
  const target = fieldOfLabel[label];
  if (asked === 'everything') {
    return;
  }
  const node = label === 'instance' ? nodeOf(matcher) : undefined;
  if (node !== undefined) {
    flows.filter.nodeName = [node];
    return;
  }
  if (asked === 'unknown' || target === undefined || (asked.widened && !beginnings.has(target.field))) {
    flows.left.push(written);
    return;
  }
  const field = fieldOf(target.field, asked.values);
  if (field === undefined) {
    flows.left.push(written);
    return;
  }
  const values = target.value === undefined ? asked.values : asked.values.map(target.value);
  if (asked.negated) {
    // Excluded are flows that have all of these: of two "not" only one can be said.
    if (Object.keys(flows.exclude).length > 0) {
      flows.left.push(written);
    } else {
      flows.exclude[field] = values;
    }
    return;
  }
  const before = flows.filter[field];
  flows.filter[field] = before === undefined ? values : narrowed(before, values, field);
  if (asked.widened) {
    flows.widened.push(written);
  }
}

/** Fields of which Hubble compares the beginning. */
const beginnings: ReadonlySet<FilterField> = new Set(['pod', 'fromPod', 'toPod']);

/**
 * `source` and `destination` hold what Hubble's context options say: a pod with its namespace, an address, or
 * another name of which the series does not tell the kind.
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

/** A metric's own condition and a label's: the label's, which is the narrower. */
function narrowed(before: string[], values: string[], field: FilterField): string[] {
  const both = before.filter((value) => values.includes(value));
  return field === 'protocol' || both.length === 0 ? values : both;
}

/** Scrape configurations of Azure put the node's name here; others an address, which names no node. */
function nodeOf({ operator, value }: Matcher): string | undefined {
  return operator === '=' && /^[a-z][a-z0-9.-]*$/i.test(value) ? value : undefined;
}

/** Names that stand in two labels become one value: a pod or workload needs its namespace. */
function join(filter: FlowFilter) {
  pair(filter, 'namespace', 'pod');
  pair(filter, 'namespace', 'workload');
  pair(filter, 'fromNamespace', 'fromWorkload');
  pair(filter, 'toNamespace', 'toWorkload');
}

/** The series of a pod say the direction in which it takes part. */
function takeSide(filter: FlowFilter) {
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
