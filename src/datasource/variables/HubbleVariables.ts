import { CustomVariableSupport, type DataQueryRequest, type DataQueryResponse } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { from, map, type Observable } from 'rxjs';

import type { HubbleDataSource } from '../datasource';
import { VariableEditor } from './VariableEditor';

/** A variable's query, as text that the backend reads: `label_values(hubble_drop_total, reason)`. */
export interface VariableQuery extends DataQuery {
  query: string;
}

/** A dashboard written by hand may hold the text alone. */
export function variableText(query: VariableQuery | string | undefined): string {
  return typeof query === 'string' ? query : (query?.query ?? '');
}

export class HubbleVariables extends CustomVariableSupport<HubbleDataSource, VariableQuery> {
  override editor = VariableEditor;

  constructor(private readonly datasource: HubbleDataSource) {
    super();
  }

  override query = ({ targets, range, scopedVars }: DataQueryRequest<VariableQuery>): Observable<DataQueryResponse> =>
    from(this.datasource.metricFindQuery(variableText(targets[0]), { range, scopedVars })).pipe(
      map((data) => ({ data }))
    );
}
