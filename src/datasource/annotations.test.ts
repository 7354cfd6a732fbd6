import type { AnnotationQuery, DataSourceInstanceSettings } from '@grafana/data';

import { annotationTarget, flowAnnotations } from './annotations';
import { HubbleDataSource } from './datasource';
import type { HubbleQuery } from './query/model';
import type { HubbleSettings } from './types';

type Annotation = AnnotationQuery<HubbleQuery>;

const prepare = (annotation: Annotation): Annotation => flowAnnotations.prepareAnnotation!(annotation)!;

test.each<[string, HubbleQuery | undefined, object]>([
  ['nothing', undefined, { queryType: 'flowAnnotations' }],
  ['an empty target', { refId: 'Anno' } as HubbleQuery, { refId: 'Anno', queryType: 'flowAnnotations' }],
  [
    'flows',
    { refId: 'A', queryType: 'flows', format: 'table', limit: 1_000, text: 'hubble observe -n pets' },
    { queryType: 'flowAnnotations', text: 'hubble observe -n pets' },
  ],
  ['drops', { refId: 'A', queryType: 'flowAnnotations', limit: 5 }, { queryType: 'flowAnnotations', limit: 5 }],
  ['PromQL', { refId: 'A', expr: 'up == 0' }, { queryType: 'promql', expr: 'up == 0' }],
])('an annotation of %s', (_, query, expected) => {
  expect(annotationTarget(query)).toMatchObject(expected);
  const annotation: Annotation = { name: 'Drops', enable: true, iconColor: 'red', target: query };
  expect(prepare(annotation)).toMatchObject({ name: 'Drops', target: expected });
  expect(flowAnnotations.prepareQuery?.(annotation)).toMatchObject(expected);
});

test('the limit of a table does not apply to annotations', () => {
  expect(annotationTarget({ refId: 'A', queryType: 'flows', limit: 50_000 })).not.toHaveProperty('limit');
});

/**
 * The steps of Grafana's StandardAnnotationQueryEditor (12.4, `verifyDataSource`): what it is given back is stored
 * and prepared again, until it is the very annotation that it handed over; only then is a query run.
 */
function storedTimes(annotation: Annotation): number {
  for (let times = 0, stored = annotation; times < 50; times++) {
    const prepared = prepare(stored);
    if (prepared === stored) {
      return times;
    }
    stored = prepared;
  }
  return Infinity;
}

test.each<[string, Partial<Annotation>, number]>([
  ['drops', { target: { refId: 'Anno', queryType: 'flowAnnotations' } }, 0],
  ['drops with a filter', { target: { refId: 'A', queryType: 'flowAnnotations', filter: { pod: ['pets/'] } } }, 0],
  ['PromQL', { target: { refId: 'A', queryType: 'promql', expr: 'up == 0' } }, 0],
  ['PromQL of another source', { target: { refId: 'A', expr: 'up == 0' } }, 1],
  ['nothing yet', {}, 1],
  ['an empty target', { target: { refId: 'Anno' } as HubbleQuery }, 1],
  ['flows', { target: { refId: 'A', queryType: 'flows', limit: 1_000 } }, 1],
  ['a dashboard of schema 2', { query: { kind: 'DataQuery', spec: { queryType: 'flows' } } } as Partial<Annotation>, 1],
])('the editor of an annotation of %s stops changing the query', (_, given, expected) => {
  expect(storedTimes({ name: 'Drops', enable: true, iconColor: 'red', ...given })).toBe(expected);
});

test('a dashboard of schema 2 keeps its query beside the target', () => {
  const spec = { queryType: 'flows', filter: { namespace: ['pets'] } };
  const annotation = { name: 'Drops', enable: true, iconColor: 'red', query: { kind: 'DataQuery', spec } };
  const expected = { queryType: 'flowAnnotations', filter: { namespace: ['pets'] } };
  expect(prepare(annotation as Annotation)).toMatchObject({
    target: expected,
    query: { kind: 'DataQuery', spec: expected },
  });
});

test('Grafana’s annotation support accepts this data source', () => {
  const settings = { uid: 'hubble', jsonData: {} } as DataSourceInstanceSettings<HubbleSettings>;
  const template = { replace: (text = '') => text, getVariables: () => [] };
  expect(new HubbleDataSource(settings, template).annotations).toBe(flowAnnotations);
});
