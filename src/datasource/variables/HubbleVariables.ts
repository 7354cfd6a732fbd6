import { CustomVariableSupport, type DataQueryRequest, type DataQueryResponse } from '@grafana/data';
import { from, map, type Observable } from 'rxjs';

import { lazyComponent } from '../../lazyComponent';
import type { HubbleDataSource } from '../datasource';
import { text } from '../text';
import { variableText, type VariableQuery } from './query';

const VariableEditor = lazyComponent(
  () => import('./VariableEditor').then(({ VariableEditor }) => VariableEditor),
  text.lazy.variable
);

/** Dashboard variables, with values from Hubble or Prometheus. */
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
