import type { DataFrame, DataQueryResponse } from '@grafana/data';

import type { HubbleQuery } from './query/model';

/**
 * Adds the data source's uid and the query to frames of packed flows. In Explore a panel gets only frames: the flows
 * panel asks the data source of its flows for the policies, and a click on a cell changes their query.
 */
export function withSource(
  response: DataQueryResponse,
  uid: string,
  queries: readonly HubbleQuery[] = []
): DataQueryResponse {
  const named = (frame: DataFrame): DataFrame => {
    if (frame.meta?.custom?.packed === undefined) {
      return frame;
    }
    const query = queries.find(({ refId }) => refId === frame.refId);
    const custom = { ...frame.meta.custom, datasourceUid: uid, ...(query && { query }) };
    return { ...frame, meta: { ...frame.meta, custom } };
  };
  return { ...response, data: (response.data as DataFrame[]).map(named) };
}
