import { fieldsOf, indented, matching } from './fields';

const json = JSON.stringify({
  flow: {
    time: '2026-08-22T10:00:00.250000123Z',
    source: { identity: 12001, labels: ['k8s:app=a', 'k8s:b'], workloads: [{ name: 'a', kind: 'Deployment' }] },
    l4: { TCP: { destination_port: 8080, flags: { SYN: true } } },
    is_reply: false,
    extensions: {},
    ids: ['18446744073709551615'],
    nothing: null,
    none: [],
  },
  node_name: 'kind/worker-1',
});

test('fields are listed in the order of the record', () => {
  expect(fieldsOf(json)).toEqual([
    { path: 'flow.time', values: ['2026-08-22T10:00:00.250000123Z'] },
    { path: 'flow.source.identity', values: ['12001'] },
    { path: 'flow.source.labels', values: ['k8s:app=a', 'k8s:b'] },
    { path: 'flow.source.workloads[0].name', values: ['a'] },
    { path: 'flow.source.workloads[0].kind', values: ['Deployment'] },
    { path: 'flow.l4.TCP.destination_port', values: ['8080'] },
    { path: 'flow.l4.TCP.flags.SYN', values: ['true'] },
    { path: 'flow.is_reply', values: ['false'] },
    { path: 'flow.extensions', values: ['{}'] },
    { path: 'flow.ids', values: ['18446744073709551615'] },
    { path: 'flow.nothing', values: ['null'] },
    { path: 'flow.none', values: [] },
    { path: 'node_name', values: ['kind/worker-1'] },
  ]);
});

test.each([
  ['', 13],
  ['WORKLOADS', 2],
  ['k8s:app', 1],
  ['no such field', 0],
])('%j is found in %d fields', (text, found) => {
  expect(matching(fieldsOf(json), text)).toHaveLength(found);
});

test('a copy is the record itself', () => {
  expect(JSON.parse(indented(json))).toEqual(JSON.parse(json));
});
