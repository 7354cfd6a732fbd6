import { queryFor, situationAt, type Situation } from './promqlSituation';

test.each<[string, Situation]>([
  ['', { kind: 'word' }],
  ['sum(ra', { kind: 'word' }],
  ['up{', { kind: 'labelName', metric: 'up' }],
  ['rate(http:x_total {jo', { kind: 'labelName', metric: 'http:x_total' }],
  ['up{job="a", ', { kind: 'labelName', metric: 'up' }],
  ['{', { kind: 'labelName', metric: undefined }],
  ['up{job', { kind: 'labelName', metric: 'up' }],
  ['up{job=', { kind: 'word' }],
  ['up{job="', { kind: 'labelValue', label: 'job', metric: 'up', typed: '' }],
  ['up{a="}\\"{", job =~ "pet-', { kind: 'labelValue', label: 'job', metric: 'up', typed: 'pet-' }],
  ["{job!='x", { kind: 'labelValue', label: 'job', metric: undefined, typed: 'x' }],
  ['up{job=`a\\`', { kind: 'word' }],
  ['up{job="a"}', { kind: 'word' }],
  ['up{job="a"} / ', { kind: 'word' }],
  ['up # {\n+ ', { kind: 'word' }],
  ['sum by (', { kind: 'labelName' }],
  ['sum(up) without (a, b', { kind: 'labelName' }],
  ['a / on(x) group_left(', { kind: 'labelName' }],
  ['sum by (a) (', { kind: 'word' }],
  ['label_replace(up, "by (', { kind: 'word' }],
])('after %s comes %j', (before, expected) => {
  expect(situationAt(before)).toEqual(expected);
});

test.each<[Exclude<Situation, { kind: 'word' }>, string]>([
  [{ kind: 'labelName' }, 'label_names()'],
  [{ kind: 'labelName', metric: 'up' }, 'label_names(up)'],
  [{ kind: 'labelValue', label: 'job', typed: 'x' }, 'label_values(job)'],
  [{ kind: 'labelValue', label: 'job', metric: 'up', typed: '' }, 'label_values(up, job)'],
])('%j is queried by %s', (situation, expected) => {
  expect(queryFor(situation)).toBe(expected);
});
