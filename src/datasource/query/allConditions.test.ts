import type { FlowFilter, HubbleQuery } from './model';
import { withoutAllConditions } from './allConditions';

test.each<[FlowFilter, FlowFilter]>([
  [{ toNamespace: ['.*'], toPod: ['.*'], toWorkload: ['.*'], verdict: ['DROPPED'] }, { verdict: ['DROPPED'] }],
  [{ namespace: ['.+'], pod: ['$__all'], workload: [''] }, {}],
  [{ namespace: ['pets', '.*'] }, {}],
  // A blank among names does not mean "All"; the backend agrees.
  [{ namespace: ['pets', ''] }, { namespace: ['pets', ''] }],
  [{ namespace: ['pets', ' .* '] }, {}],
  [{ httpPath: [''], namespace: [' '] }, {}],
  [{ namespace: [], verdict: ['DROPPED'] }, { verdict: ['DROPPED'] }],
  [
    { namespace: ['pets'], pod: ['pets/'] },
    { namespace: ['pets'], pod: ['pets/'] },
  ],
  // Hubble would look for a pod without a namespace in `default`.
  [{ namespace: ['.*'], pod: ['store-front', 'pets/'] }, { pod: ['/store-front', 'pets/'] }],
  [
    { toNamespace: [], toPod: ['{a-0,b-0}'], fromPod: ['c-0'] },
    { toPod: ['/a-0', '/b-0'], fromPod: ['c-0'] },
  ],
  [{ workload: ['.*'], pod: ['store-front'] }, { pod: ['store-front'] }],
  // Any regular expression for a path selects HTTP flows.
  [
    { httpPath: ['.*'], httpUrl: ['.+'] },
    { httpPath: ['.*'], httpUrl: ['.+'] },
  ],
  // Fields that are not names have no "All".
  [
    { fqdn: ['.*'], label: ['.+'], port: ['$__all'] },
    { fqdn: ['.*'], label: ['.+'], port: ['$__all'] },
  ],
])('%j keeps its real conditions', (filter, expected) => {
  const query: HubbleQuery = { refId: 'A', queryType: 'flows', filter, exclude: filter };
  expect(withoutAllConditions(query)).toEqual({ ...query, filter: expected, exclude: expected });
});

test.each<HubbleQuery>([
  { refId: 'A', queryType: 'flows', filter: { namespace: ['pets'] } },
  { refId: 'A', queryType: 'flows' },
  { refId: 'A', expr: 'up{pod=~".*"}' },
])('%j stays the same object', (query) => {
  expect(withoutAllConditions(query)).toBe(query);
});
