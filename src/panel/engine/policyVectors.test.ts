import { compare, compareNames, scenarios, type Report } from '../../../tests/frontend/policyVectors';
import { startWasm } from '../../../tests/frontend/wasm';

beforeAll(startWasm);

function judge(file: string): Report {
  const report: Report = { directions: 0, mismatches: [], documentMismatches: [], attributionMismatches: [] };
  for (const scenario of scenarios(`${file}.jsonl.gz`)) {
    compare(scenario, report);
  }
  expect(report.directions).toBeGreaterThan(500);
  return report;
}

test.each([
  ...['examples', 'connectivity', 'probes', 'random_cilium', 'random_k8s', 'random_mixed'].map(
    (name) => `policy/${name}`
  ),
  ...['mix', 'dense', 'probes', 'documents'].map((name) => `policy2/${name}`),
])(
  'the module answers the vectors %s as Cilium’s own engine does',
  (file) => {
    const report = judge(file);
    expect(report.mismatches.slice(0, 1)).toEqual([]);
    expect(report.documentMismatches.slice(0, 1)).toEqual([]);
    expect(report.attributionMismatches.slice(0, 1)).toEqual([]);
  },
  60_000
);

test.each(['policy/fqdn.jsonl', 'policy2/dns.jsonl.gz'])(
  'the module matches the DNS names of %s as Cilium does',
  (file) => {
    const { rows, mismatches } = compareNames(file);
    expect(rows).toBeGreaterThan(800);
    expect(mismatches).toEqual([]);
  }
);
