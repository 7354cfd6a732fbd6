import type { DataFrame, DataQueryResponse } from '@grafana/data';

/**
 * Adds the data source's uid to frames of packed flows. In Explore a panel gets only frames, and the flows panel asks
 * the data source of its flows for the policies.
 */
export function withDatasourceUid(response: DataQueryResponse, uid: string): DataQueryResponse {
  const named = (frame: DataFrame): DataFrame =>
    frame.meta?.custom?.packed === undefined
      ? frame
      : { ...frame, meta: { ...frame.meta, custom: { ...frame.meta.custom, datasourceUid: uid } } };
  return { ...response, data: (response.data as DataFrame[]).map(named) };
}
