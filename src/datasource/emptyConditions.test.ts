import { locationService } from '@grafana/runtime';

import { dropEmptyConditions } from './emptyConditions';
import type { HubbleQuery } from './query/model';

const query: HubbleQuery = { refId: 'A', queryType: 'flows', adhocVariable: '$filters' };

/** The conditions left in an address that has `conditions`. */
function left(conditions: string[], queries: HubbleQuery[] = [query]): string[] {
  const search = new URLSearchParams(conditions.map((condition) => ['var-filters', condition]));
  locationService.push(`/d/flow-logs?from=now-5m&${search}`);
  dropEmptyConditions(queries);
  const address = new URLSearchParams(locationService.getLocation().search);
  expect(address.get('from')).toBe('now-5m');
  return address.getAll('var-filters');
}

test.each<[name: string, conditions: string[], expected: string[]]>([
  ['"All" of a variable', ['cluster|=__gfp__|.*', 'verdict|=|DROPPED'], ['verdict|=|DROPPED']],
  ['"All" as one value', ['toNamespace|=|.*', 'toPod|=__gfp__|pets/a|pets/b'], ['toPod|=__gfp__|pets/a|pets/b']],
  ['a label that the series lacks', ['fromPod|=|', 'toPod|=|pets/a'], ['toPod|=|pets/a']],
  ['several that are blank', ['fromPod|=||', 'toPod|=|'], ['']],
  ['a pattern that is one', ['httpPath|=|.*'], ['httpPath|=|.*']],
  ['what is excluded', ['cluster|!=|.*'], ['cluster|!=|.*']],
  ['nothing', [''], ['']],
])('%s', (_, conditions, expected) => {
  expect(left(conditions)).toEqual(expected);
});

test('a variable of other queries stays unchanged', () => {
  expect(left(['cluster|=|.*'], [{ refId: 'A', queryType: 'flows' }])).toEqual(['cluster|=|.*']);
});
