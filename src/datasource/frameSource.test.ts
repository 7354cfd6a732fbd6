import { createDataFrame } from '@grafana/data';

import { withSource } from './frameSource';

test('frames of packed flows carry their data source and their query, others do not', () => {
  const packed = createDataFrame({ refId: 'B', meta: { custom: { packed: 'hubble-flows/1' } }, fields: [] });
  const other = createDataFrame({ fields: [] });
  const { data, state } = withSource({ data: [packed, other] }, 'hubble', [
    { refId: 'A', queryType: 'flows' },
    { refId: 'B', queryType: 'flows', last: 5 },
  ]);
  const query = { refId: 'B', queryType: 'flows', last: 5 };
  expect(data[0].meta.custom).toEqual({ packed: 'hubble-flows/1', datasourceUid: 'hubble', query });
  expect(data[1]).toBe(other);
  expect(state).toBeUndefined();
});
