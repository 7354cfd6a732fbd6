import { dateTime } from '@grafana/data';
import { locationService } from '@grafana/runtime';

import { showLastMinutes } from './lastMinutes';

const spike = { from: dateTime(1_764_448_000_000), to: dateTime(1_764_448_300_000) };
const pane = (datasource: string, from: string, to: string) => ({
  datasource,
  queries: [{ refId: 'A' }],
  range: { from, to },
});
const asked = { from: '1764448000000', to: '1764448300000' };
const last = { from: 'now-5m', to: 'now' };

test('a dashboard switches to the last minutes and keeps its variables', () => {
  locationService.push('/d/flow-logs?from=1764448000000&to=1764448300000&var-namespace=pets');
  showLastMinutes(spike, ['hubble']);
  expect(locationService.getSearchObject()).toEqual({ ...last, 'var-namespace': 'pets' });
});

test.each([
  ['one pane', { a: pane('hubble', asked.from, asked.to) }, ['a']],
  ['the pane that asked', { a: pane('prom', asked.from, asked.to), b: pane('hubble', asked.from, asked.to) }, ['b']],
  ['the pane of this range', { a: pane('hubble', 'now-1h', 'now'), b: pane('hubble', asked.from, asked.to) }, ['b']],
  ['a pane with several sources', { a: pane('-- Mixed --', asked.from, asked.to) }, ['a']],
])('Explore changes %s', (_, panes, changed) => {
  locationService.push(`/explore?schemaVersion=1&panes=${encodeURIComponent(JSON.stringify(panes))}`);
  showLastMinutes(spike, ['hubble']);
  const search = locationService.getSearchObject();
  expect(search.schemaVersion).toBeDefined();
  const after = JSON.parse(String(search.panes)) as Record<string, { range: object; queries: object }>;
  for (const [name, before] of Object.entries(panes)) {
    expect(after[name]).toEqual(changed.includes(name) ? { ...before, range: last } : before);
  }
});

test.each(['/explore', '/explore?panes=nonsense', '/explore?panes=5'])('%s stays unchanged', (address) => {
  locationService.push(address);
  showLastMinutes(spike, ['hubble']);
  const { pathname, search } = locationService.getLocation();
  expect(pathname + search).toBe(address);
});
