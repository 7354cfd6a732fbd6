import { isPromql, type FlowFilter, type HubbleQuery } from './model';

/** What a variable's "All" leaves in a link or in a query: a regular expression that matches anything, or no name. */
const all: ReadonlySet<string> = new Set(['.*', '.+', '$__all', '']);

/** Fields whose values are regular expressions themselves, or code: there the same text asks for something. */
const patterns: ReadonlySet<string> = new Set(['httpPath', 'httpUrl', 'celExpression']);

const namespaces = { pod: 'namespace', fromPod: 'fromNamespace', toPod: 'toNamespace' } as const;

/**
 * The query as it is taken over from a link or from a dashboard: without conditions of "All", which are none.
 * One without such conditions stays the same object.
 */
export function takenOver(query: HubbleQuery): HubbleQuery {
  if (isPromql(query)) {
    return query;
  }
  const filter = conditions(query.filter);
  const exclude = conditions(query.exclude);
  return filter === query.filter && exclude === query.exclude ? query : { ...query, filter, exclude };
}

function conditions(filter: FlowFilter | undefined): FlowFilter | undefined {
  const fields = Object.entries(filter ?? {});
  const kept = fields.filter(([field, values]) => !isAll(field, values));
  if (kept.length === fields.length) {
    return filter;
  }
  const left: FlowFilter = Object.fromEntries(kept);
  // Hubble takes a pod without a namespace for one of `default`: what was of any namespace has to say so.
  for (const [pod, namespace] of Object.entries(namespaces)) {
    const field = pod as keyof typeof namespaces;
    if (filter?.[namespace] !== undefined && left[namespace] === undefined && left[field] !== undefined) {
      left[field] = left[field].flatMap(apart).map((name) => (name.includes('/') ? name : `/${name}`));
    }
  }
  return left;
}

function isAll(field: string, values: unknown): boolean {
  return Array.isArray(values) && (values.length === 0 || (!patterns.has(field) && values.some((one) => all.has(one))));
}

/** Several values as Grafana writes them into a link: `{a,b}`. */
function apart(value: string): string[] {
  return /^\{(.*)\}$/.exec(value)?.[1]?.split(',') ?? [value];
}
