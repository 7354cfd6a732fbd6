import type { DataFrame, DataQueryResponse } from '@grafana/data';

/**
 * Names the data source in the frames of packed flows: Explore hands its panels frames alone, and the flows
 * panel asks the source of its flows for their policies.
 */
export function withPackedSource(response: DataQueryResponse, uid: string): DataQueryResponse {
  const named = (frame: DataFrame): DataFrame =>
    frame.meta?.custom?.packed === undefined
      ? frame
      : { ...frame, meta: { ...frame.meta, custom: { ...frame.meta.custom, datasourceUid: uid } } };
  return { ...response, data: (response.data as DataFrame[]).map(named) };
}
