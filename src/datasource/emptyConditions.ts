import { locationService } from '@grafana/runtime';

import type { AdhocFilter, HubbleQuery } from './query/model';
import { conditionsIn, variableName } from './query/interpolate';
import { isAllCondition } from './query/allConditions';

/**
 * Removes empty conditions of the queries' ad hoc variables from the dashboard's URL, which the dashboard follows. Data
 * links cannot leave a condition out: for a variable at "All", or for a label that a series lacks, they write `.*` or an
 * empty value, which would remain as a pill.
 */
export function dropEmptyConditions(queries: readonly HubbleQuery[]): void {
  const names = new Set(
    queries.flatMap((query) => ('adhocVariable' in query ? (variableName(query.adhocVariable) ?? []) : []))
  );
  for (const name of names) {
    const parameter = `var-${name}`;
    const written = new URLSearchParams(locationService.getLocation().search).getAll(parameter);
    const kept = written.filter((condition) => !conditionsIn(condition).some(isEmptyCondition));
    if (kept.length < written.length) {
      // Without the parameter the dashboard would keep its current conditions.
      locationService.partial({ [parameter]: kept.length > 0 ? kept : '' }, true);
    }
  }
}

function isEmptyCondition({ key, operator, value, values }: AdhocFilter): boolean {
  return (operator === '=' || operator === '=|') && isAllCondition(key, values ?? [value]);
}
