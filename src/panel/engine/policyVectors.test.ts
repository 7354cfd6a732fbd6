import { compare, compareNames, scenarios, type Report } from '../../testing/policyVectors';
import { startWasm } from '../../testing/wasm';

beforeAll(startWasm);

test.each(['examples', 'connectivity', 'probes', 'random_cilium', 'random_k8s', 'random_mixed'])(
  'the module answers the vectors %s as Cilium’s own engine does',
  (name) => {
    const report: Report = { directions: 0, mismatches: [], attributionMismatches: [] };
    for (const scenario of scenarios(`${name}.jsonl.gz`)) {
      compare(scenario, report);
    }
    expect(report.directions).toBeGreaterThan(500);
    expect(report.mismatches.slice(0, 1)).toEqual([]);
    expect(report.attributionMismatches.slice(0, 1)).toEqual([]);
  },
  60_000
);

test('the module matches DNS names as Cilium does', () => {
  const { rows, mismatches } = compareNames('fqdn.jsonl');
  expect(rows).toBeGreaterThan(800);
  expect(mismatches).toEqual([]);
});
