import { annotationTarget, flowAnnotations } from './annotations';
import type { HubbleQuery } from './query/model';

test.each<[string, HubbleQuery | undefined, object]>([
  ['nothing', undefined, { queryType: 'flowAnnotations' }],
  [
    'flows',
    { refId: 'A', queryType: 'flows', format: 'table', limit: 1_000, text: 'hubble observe -n pets' },
    { queryType: 'flowAnnotations', text: 'hubble observe -n pets' },
  ],
  ['drops', { refId: 'A', queryType: 'flowAnnotations', limit: 5 }, { queryType: 'flowAnnotations', limit: 5 }],
  ['PromQL', { refId: 'A', expr: 'up == 0' }, { expr: 'up == 0' }],
])('an annotation of %s', (_, query, expected) => {
  expect(annotationTarget(query)).toMatchObject(expected);
  const annotation = { name: 'Drops', enable: true, iconColor: 'red', target: query };
  expect(flowAnnotations.prepareAnnotation?.(annotation)).toMatchObject({ name: 'Drops', target: expected });
  expect(flowAnnotations.prepareQuery?.(annotation)).toMatchObject(expected);
});

test('the limit of a table is none of annotations', () => {
  expect(annotationTarget({ refId: 'A', queryType: 'flows', limit: 50_000 })).not.toHaveProperty('limit');
});
