import { createDataFrame } from '@grafana/data';

import { withDatasourceUid } from './frameSource';

test('frames of packed flows carry the uid of their data source, others do not', () => {
  const packed = createDataFrame({ meta: { custom: { packed: 'hubble-flows/1' } }, fields: [] });
  const other = createDataFrame({ fields: [] });
  const { data, state } = withDatasourceUid({ data: [packed, other] }, 'hubble');
  expect(data[0].meta.custom).toEqual({ packed: 'hubble-flows/1', datasourceUid: 'hubble' });
  expect(data[1]).toBe(other);
  expect(state).toBeUndefined();
});
