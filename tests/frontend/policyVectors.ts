import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { matchNames, Policies, Questions } from '../../frontend-wasm/pkg/engine';

const folder = join(__dirname, '../vectors');

/** The answer of Cilium's engine for one direction. */
interface Answer {
  v: 'allowed' | 'denied';
  by?: string[];
  redirect?: boolean;
}

interface Flow {
  from: string;
  to: string;
  proto: string;
  port: number;
  namedTCP?: Record<string, number>;
  namedUDP?: Record<string, number>;
  egress?: Answer;
  ingress?: Answer;
  egressError?: string;
  ingressError?: string;
}

/** One line of a file of vectors; the README files beside them describe the format. */
export interface Scenario {
  name: string;
  allowLocalhost?: boolean;
  dualStack?: boolean;
  clusterName?: string;
  enableHostFirewall?: boolean;
  enableNodeSelectorLabels?: boolean;
  cidrMatchMode?: string[];
  mode?: string;
  anyCluster?: boolean;
  egressNamedPorts?: boolean;
  noExtendedIPProtocols?: boolean;
  identities: Record<string, string[]>;
  policies: string[];
  parseErrors?: Record<string, string>;
  flows: Flow[];
}

export interface Report {
  directions: number;
  mismatches: string[];
  documentMismatches: string[];
  attributionMismatches: string[];
}

/** The scenarios of a file of vectors. */
export function scenarios(file: string): Scenario[] {
  const text = gunzipSync(readFileSync(join(folder, file))).toString('utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Scenario);
}

/** The policies of a scenario, compiled by the Wasm module. */
export function compiled(scenario: Scenario): Policies {
  const settings = [
    `allow-localhost=${scenario.allowLocalhost ? 'always' : 'policy'}`,
    `enable-ipv6=${scenario.dualStack ?? false}`,
    `cluster-name=${scenario.clusterName ?? 'default'}`,
    `enable-host-firewall=${scenario.enableHostFirewall ?? false}`,
    `enable-node-selector-labels=${scenario.enableNodeSelectorLabels ?? false}`,
    `policy-cidr-match-mode=${(scenario.cidrMatchMode ?? []).join(',')}`,
    `enable-policy=${scenario.mode ?? 'default'}`,
    `enable-extended-ip-protocols=${!scenario.noExtendedIPProtocols}`,
    `policy-default-local-cluster=${!scenario.anyCluster}`,
    'services-are-empty=true',
    'cilium-release=main',
  ];
  const names = scenario.policies.map((_, at) => String(at));
  return new Policies(names, scenario.policies, new Float64Array(), settings);
}

/** The names of a file that the Wasm module matches differently than Cilium. */
export function compareNames(file: string): { rows: number; mismatches: string[] } {
  const bytes = readFileSync(join(folder, file));
  const lines = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').trim().split('\n');
  const rows = lines.map(
    (line) => JSON.parse(line) as { Kind: string; Pattern: string; Name: string; Match: boolean; Err?: string }
  );
  const answers = matchNames(
    rows.map((row) => row.Pattern),
    Uint8Array.from(rows, (row) => (row.Kind === 'matchName' ? 1 : 0)),
    rows.map((row) => row.Name)
  );
  const expected = rows.map(({ Err: refused, Match: matches }) => (refused ? 2 : matches ? 1 : 0));
  return { rows: rows.length, mismatches: lines.filter((_, at) => answers[at] !== expected[at]) };
}

interface Asked {
  flow: Flow;
  direction: 'egress' | 'ingress';
  /** Undefined where the agent cannot combine the subject's policies. */
  expected: Answer | undefined;
}

/** All directions of a scenario with an answer of Cilium, as columns. */
export function asked(scenario: Scenario): { all: Asked[]; questions: Questions } {
  const names = Object.keys(scenario.identities);
  const index = new Map(names.map((name, at) => [name, at]));
  const named = new Map<string, number>([['', 0]]);
  const all: Asked[] = [];
  const columns = { subject: [], peer: [], direction: [], protocol: [], port: [], named: [] } as Record<
    string,
    number[]
  >;
  for (const flow of scenario.flows) {
    for (const direction of ['egress', 'ingress'] as const) {
      const expected = flow[direction];
      if (!expected && flow[`${direction}Error`] === undefined) {
        continue;
      }
      const [subject, peer] = direction === 'egress' ? [flow.from, flow.to] : [flow.to, flow.from];
      // Cilium's library by itself knows no named ports of peers.
      const ports = direction === 'egress' && !scenario.egressNamedPorts ? '' : namedPorts(flow);
      if (!named.has(ports)) {
        named.set(ports, named.size);
      }
      all.push({ flow, direction, expected });
      columns.subject?.push(index.get(subject) ?? -1);
      columns.peer?.push(index.get(peer) ?? -1);
      columns.direction?.push(direction === 'egress' ? 1 : 0);
      columns.protocol?.push(protocols[flow.proto] ?? 0);
      columns.port?.push(flow.port);
      columns.named?.push(named.get(ports) ?? 0);
    }
  }
  const questions = new Questions(
    names.map((name) => (scenario.identities[name] ?? []).join('\n')),
    [...named.keys()],
    scenario.dualStack ?? false,
    Uint32Array.from(columns.subject ?? []),
    Uint32Array.from(columns.peer ?? []),
    Uint8Array.from(columns.direction ?? []),
    Uint8Array.from(columns.protocol ?? []),
    Uint16Array.from(columns.port ?? []),
    Uint32Array.from(columns.named ?? [])
  );
  return { all, questions };
}

const protocols: Record<string, number> = {
  TCP: 6,
  UDP: 17,
  SCTP: 132,
  ICMP: 1,
  ICMPv6: 58,
  VRRP: 112,
  IGMP: 2,
  GRE: 47,
  IPIP: 4,
  IPv6: 41,
  ESP: 50,
  AH: 51,
};

function namedPorts({ namedTCP = {}, namedUDP = {} }: Flow): string {
  const lines = (ports: Record<string, number>, protocol: number) =>
    Object.entries(ports).map(([name, port]) => `${name} ${protocol} ${port}`);
  return [...lines(namedTCP, 6), ...lines(namedUDP, 17)].join('\n');
}

/** Compares every answer of the Wasm module with Cilium's. */
export function compare(scenario: Scenario, report: Report): void {
  const policies = compiled(scenario);
  const { all, questions } = asked(scenario);
  const answers = policies.answer(questions);
  const [verdicts, redirects] = [answers.verdicts(), answers.redirects()];
  const by = policies.attribution(questions);
  all.forEach(({ flow, direction, expected }, at) => {
    report.directions++;
    const ours = ['denied', 'allowed', 'cannot tell'][verdicts[at] ?? 2];
    const mismatch = `${scenario.name}: ${direction} ${JSON.stringify(flow)}, ours: ${ours}, ${by[at]}`;
    if (!expected) {
      if (ours !== 'cannot tell') {
        report.mismatches.push(mismatch);
      }
      return;
    }
    if (ours !== expected.v || (redirects[at] === 1) !== (expected.redirect ?? false)) {
      report.mismatches.push(mismatch);
      return;
    }
    const names = (by[at] ?? '').split('\n');
    if (!(expected.by ?? []).every((name) => names.includes(name))) {
      report.attributionMismatches.push(mismatch);
    }
  });
  const refused = (JSON.parse(policies.refused()) as Array<{ document: number; name: string; reason: string }>).map(
    ({ document, name, reason }) => [name === '' ? String(document) : `${document}:${name}`, reason] as const
  );
  const ours = new Map(refused);
  const expected = scenario.parseErrors ?? {};
  for (const key of new Set([...ours.keys(), ...Object.keys(expected)])) {
    if (!ours.has(key) || !(key in expected)) {
      report.documentMismatches.push(
        `${scenario.name}: document ${key}, refused here: ${ours.get(key)}, by Cilium: ${expected[key]}`
      );
    }
  }
  answers.free();
  questions.free();
  policies.free();
}
