import { locationService } from '@grafana/runtime';

import type { AdhocFilter, HubbleQuery } from './query/model';
import { conditionsIn, variableName } from './query/interpolate';
import { isNoCondition } from './query/taken';

/**
 * Takes out of a dashboard's address what demands nothing of a query's ad hoc variable: the syntax of links cannot
 * leave a condition out, so that one on a variable at "All", or on a label that a series lacks, arrives with `.*` or
 * without a value, and would stay as a pill. The dashboard follows its address.
 */
export function dropEmptyConditions(queries: readonly HubbleQuery[]): void {
  const names = new Set(
    queries.flatMap((query) => ('adhocVariable' in query ? (variableName(query.adhocVariable) ?? []) : []))
  );
  for (const name of names) {
    const parameter = `var-${name}`;
    const written = new URLSearchParams(locationService.getLocation().search).getAll(parameter);
    const kept = written.filter((condition) => !conditionsIn(condition).some(demandsNothing));
    if (kept.length < written.length) {
      // Without the parameter the dashboard would keep the conditions that it has.
      locationService.partial({ [parameter]: kept.length > 0 ? kept : '' }, true);
    }
  }
}

function demandsNothing({ key, operator, value, values }: AdhocFilter): boolean {
  return (operator === '=' || operator === '=|') && isNoCondition(key, values ?? [value]);
}
