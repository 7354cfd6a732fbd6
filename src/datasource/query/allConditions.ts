import { allChoices, nameKeys } from './generated';
import { isPromql, type FlowFilter, type HubbleQuery } from './model';

const all: ReadonlySet<string> = new Set(allChoices);

/** Fields of names. In other fields `.*` can be a real condition, such as the pattern of an HTTP path. */
const names: ReadonlySet<string> = new Set(nameKeys);

const namespaces = { pod: 'namespace', fromPod: 'fromNamespace', toPod: 'toNamespace' } as const;

/**
 * The query of a link or dashboard without the conditions that stand for "All". A query without such conditions stays
 * the same object.
 */
export function withoutAllConditions(query: HubbleQuery): HubbleQuery {
  if (isPromql(query)) {
    return query;
  }
  const filter = conditions(query.filter);
  const exclude = conditions(query.exclude);
  return filter === query.filter && exclude === query.exclude ? query : { ...query, filter, exclude };
}

function conditions(filter: FlowFilter | undefined): FlowFilter | undefined {
  const fields = Object.entries(filter ?? {});
  const kept = fields.filter(([field, values]) => !isAllCondition(field, values));
  if (kept.length === fields.length) {
    return filter;
  }
  const remaining: FlowFilter = Object.fromEntries(kept);
  // Hubble looks for a pod without a namespace in `default`; a leading `/` means any namespace.
  for (const [pod, namespace] of Object.entries(namespaces)) {
    const field = pod as keyof typeof namespaces;
    if (filter?.[namespace] !== undefined && remaining[namespace] === undefined && remaining[field] !== undefined) {
      remaining[field] = remaining[field]
        .flatMap(splitBraces)
        .filter(isSome)
        .map((name) => (name.includes('/') ? name : `/${name}`));
    }
  }
  return remaining;
}

/** Whether the values of a field are no condition: "All" among them, or blanks only. */
export function isAllCondition(field: string, values: unknown): boolean {
  if (!Array.isArray(values)) {
    return false;
  }
  const texts = values.map((value) => String(value).trim()).filter(isSome);
  return texts.length === 0 || (names.has(field) && texts.some((value) => all.has(value)));
}

function isSome(name: string): boolean {
  return name.trim() !== '';
}

/** The values in a text that Grafana wrote into a link: `{a,b}`. */
function splitBraces(value: string): string[] {
  return /^\{(.*)\}$/.exec(value)?.[1]?.split(',') ?? [value];
}
