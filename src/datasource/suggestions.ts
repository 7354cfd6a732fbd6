import type { FilterField } from './query/fields';
import type { FlowFilter } from './query/model';

/** The answer of the resource `suggestions`. */
export interface Suggestions {
  values: string[];
  /** Reasons why values may be missing. */
  notices: string[];
}

/** A request for suggestions for one filter row. */
export interface SuggestionsRequest {
  field: FilterField;
  prefix: string;
  filter: FlowFilter | undefined;
}

/** The namespace that narrows the pods and workloads of a filter, if it names exactly one. */
export function namespaceFor(field: FilterField, filter: FlowFilter | undefined): string | undefined {
  const side = field.startsWith('from') ? 'fromNamespace' : field.startsWith('to') ? 'toNamespace' : 'namespace';
  const namespaces = filter?.[side] ?? filter?.namespace ?? [];
  return namespaces.length === 1 ? namespaces[0] : undefined;
}
