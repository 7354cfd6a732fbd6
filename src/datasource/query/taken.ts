import { allChoices, nameKeys } from './generated';
import { isPromql, type FlowFilter, type HubbleQuery } from './model';

const all: ReadonlySet<string> = new Set(allChoices);

/** Elsewhere the text of "All" asks for something: for HTTP, where it is the pattern of a path. */
const names: ReadonlySet<string> = new Set(nameKeys);

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
  const kept = fields.filter(([field, values]) => !isNoCondition(field, values));
  if (kept.length === fields.length) {
    return filter;
  }
  const left: FlowFilter = Object.fromEntries(kept);
  // Hubble takes a pod without a namespace for one of `default`: what was of any namespace has to say so.
  for (const [pod, namespace] of Object.entries(namespaces)) {
    const field = pod as keyof typeof namespaces;
    if (filter?.[namespace] !== undefined && left[namespace] === undefined && left[field] !== undefined) {
      left[field] = left[field]
        .flatMap(apart)
        .filter(isSome)
        .map((name) => (name.includes('/') ? name : `/${name}`));
    }
  }
  return left;
}

/** Whether nothing is asked for: by "All" beside whatever else, or by blanks alone. */
export function isNoCondition(field: string, values: unknown): boolean {
  if (!Array.isArray(values)) {
    return false;
  }
  const texts = values.map((value) => String(value).trim()).filter(isSome);
  return texts.length === 0 || (names.has(field) && texts.some((value) => all.has(value)));
}

function isSome(name: string): boolean {
  return name.trim() !== '';
}

/** Several values as Grafana writes them into a link: `{a,b}`. */
function apart(value: string): string[] {
  return /^\{(.*)\}$/.exec(value)?.[1]?.split(',') ?? [value];
}
