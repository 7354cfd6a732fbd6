import {
  LoadingState,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceApi,
} from '@grafana/data';
import { lastValueFrom, NEVER, of, throwError, type Observable } from 'rxjs';

import { runRequest } from './runRequest';

const frame = (refId: string): DataFrame => ({ refId, fields: [], length: 0 });

function run(answers: Observable<DataQueryResponse>, targets = [{ refId: 'A' }]) {
  const datasource = { query: () => answers } as unknown as DataSourceApi;
  return runRequest(datasource, { targets } as DataQueryRequest);
}

test('packets add up; one with a known key replaces the former', async () => {
  const answers = of<DataQueryResponse[]>(
    { key: 'x', data: [frame('A')], state: LoadingState.Streaming },
    { key: 'y', data: [frame('B')] },
    { key: 'x', data: [frame('C')] }
  );
  const { series, state } = await lastValueFrom(run(answers));
  expect(series.map(({ refId }) => refId)).toEqual(['C', 'B']);
  expect(state).toBe(LoadingState.Done);
});

test('an error keeps the frames of the same answer', async () => {
  const error = { message: 'relay refused' };
  const data = await lastValueFrom(run(of({ data: [frame('A')], errors: [error] })));
  expect(data).toMatchObject({ state: LoadingState.Error, error, series: [{ refId: 'A' }] });
});

test('a failed request has an error message', async () => {
  const data = await lastValueFrom(run(throwError(() => new Error('gone'))));
  expect(data).toMatchObject({ state: LoadingState.Error, error: { message: 'gone' }, series: [] });
});

test('hidden queries are not sent', async () => {
  const data = await lastValueFrom(run(NEVER, [{ refId: 'A', hide: true } as { refId: string }]));
  expect(data).toMatchObject({ state: LoadingState.Done, series: [] });
});
