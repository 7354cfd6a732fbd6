import type { FilterField } from './query/fields';
import type { FlowFilter } from './query/model';

/** Answer of the resource `suggestions`. */
export interface Suggestions {
  values: string[];
  /** What the values lack. */
  notices: string[];
}

/** What may stand in one filter line, given the others. */
export interface SuggestionsRequest {
  field: FilterField;
  prefix: string;
  filter: FlowFilter | undefined;
}

/** The namespace that narrows the pods and workloads of a filter, if it is one alone. */
export function namespaceFor(field: FilterField, filter: FlowFilter | undefined): string | undefined {
  const side = field.startsWith('from') ? 'fromNamespace' : field.startsWith('to') ? 'toNamespace' : 'namespace';
  const namespaces = filter?.[side] ?? filter?.namespace ?? [];
  return namespaces.length === 1 ? namespaces[0] : undefined;
}
