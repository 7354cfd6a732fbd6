import { FlowTable, Policies } from '../../../frontend-wasm/pkg/engine';
import { labPolicies, labRows, startWasm } from '../../../tests/frontend/wasm';
import type { CompiledPolicies, Connection, Explanation, Finding, Fix, Reachability } from './protocol';
import { buffersOf, type Session } from './session';
import { sessionOf } from './startSession';

beforeAll(startWasm);

const zeroTrust = 'acns-network-policy.yaml';
const chaos = 'acns-network-policy-chaos.yaml';

function judged(file: string): Session {
  const session = sessionOf('engine');
  session.answer({ kind: 'load', frames: [labRows()] });
  const compiled = session.answer({
    kind: 'setPolicies',
    files: [labPolicies(file)],
    namespace: 'pets',
  }) as CompiledPolicies;
  expect(compiled.refused).toEqual([]);
  return session;
}

function asked(session: Session, connection: Connection, withFix = false): Reachability {
  return session.answer({ kind: 'ask', connection, withFix }) as Reachability;
}

test('verdict, lints, fix and answers come from one transfer of flows and policies', () => {
  const append = jest.spyOn(FlowTable.prototype, 'append');
  const freed = jest.spyOn(Policies.prototype, 'free');
  const session = judged(chaos);
  const why = session.answer({ kind: 'explain', row: 0 }) as Explanation;
  expect(why.agreement).toBe('agrees');
  expect(why.nearMisses).toMatchObject([{ file: chaos, line: 10, quote: '    - fromEndpoints: []' }]);
  const found = session.answer({ kind: 'lint' }) as Finding[];
  expect(found.map(({ file, line }) => `${file}:${line}`)).toContain(`${chaos}:10`);
  const fix = session.answer({ kind: 'suggest', rows: [0] }) as Fix;
  expect(fix.fixed).toEqual([0]);
  expect(asked(session, { from: 'world', to: 'store-front:8080' }).verdict).toBe('denied');
  expect(append).toHaveBeenCalledTimes(1);
  expect(freed).not.toHaveBeenCalled();
  session.dispose();
});

test.each<[string, Connection, string, Array<[string, string, number | undefined]>]>([
  [
    'the lab’s question: neither the name nor the connection',
    { from: 'pets/order-service', to: 'product-service:3002' },
    'denied',
    [
      ['DNS', 'denied', 39],
      ['egress', 'denied', 39],
      ['ingress', 'denied', 56],
    ],
  ],
  [
    'what the policies are made for, by its address',
    { from: 'store-front', to: '10.0.0.22:3002' },
    'allowed',
    [
      ['egress', 'allowed', 94],
      ['ingress', 'allowed', 55],
    ],
  ],
  [
    'labels that are written with the question',
    { from: 'newcomer', fromLabels: ['app=store-front'], to: '10.0.0.22:3002', request: { method: 'GET', path: '/' } },
    'allowed',
    [
      ['egress', 'allowed', 94],
      ['ingress', 'allowed', 55],
    ],
  ],
  [
    'labels of the destination',
    { from: 'store-front', to: 'newcomer:3002', toLabels: ['app=order-service'] },
    'denied',
    [
      ['DNS', 'denied', 88],
      // The nearest rules are for its port, 3000 in both directions.
      ['egress', 'denied', 92],
      ['ingress', 'denied', 35],
    ],
  ],
])('is the connection allowed? %s', (_, connection, verdict, steps) => {
  const session = judged(zeroTrust);
  const answer = asked(session, connection);
  expect(answer.verdict).toBe(verdict);
  const lines = answer.paths.flatMap((path) =>
    path.steps.map(({ kind, verdict: own, nearMisses, deciding }) => [kind, own, [...nearMisses, ...deciding][0]?.line])
  );
  expect(lines).toEqual(steps);
  expect(answer.fix).toBeNull();
  session.dispose();
});

test('a fix allows each step; an unknown name stays unknown', () => {
  const session = judged(zeroTrust);
  const connection = { from: 'pets/order-service', to: 'product-service:3002' };
  const { fix, paths } = asked(session, connection, true);
  expect(fix?.fixed).toEqual([0, 1, 2]);
  expect(paths[0]?.alone).toMatch(/^a fix for the lookup of .* alone opens nothing/);
  const files = (fix?.texts ?? []).map(({ text }) => ({ ...labPolicies(zeroTrust), text }));
  const added = { ...labPolicies(zeroTrust), name: 'added.yaml', text: fix?.yaml ?? '' };
  session.answer({ kind: 'setPolicies', files: [...files, added], namespace: 'pets' });
  expect(asked(session, connection).verdict).toBe('allowed');
  const unknown = asked(session, { ...connection, from: 'nobody' });
  expect(unknown.verdict).toBe('cannot tell');
  expect(unknown.notes.join()).toContain('`pets/nobody` is not in the flows or documents');
  session.dispose();
});

test('an answer transfers no buffers; an invalid question has an error', () => {
  const session = judged(zeroTrust);
  expect(buffersOf(asked(session, { from: 'world', to: 'store-front:8080' }))).toEqual([]);
  expect(() => asked(session, { from: 'store-front', to: 'product-service' })).toThrow(
    '`product-service` has no port: write it after the name, as `product-service:3002`'
  );
  session.dispose();
});

test.each<[string, Parameters<Session['answer']>[0]]>([
  ['a check', { kind: 'lint' }],
  ['a fix', { kind: 'suggest', rows: [0] }],
  ['an explanation', { kind: 'explain', row: 0 }],
  ['an answer', { kind: 'ask', connection: { from: 'a', to: 'b:1' }, withFix: false }],
])('without policies, %s fails', (_, call) => {
  const session = sessionOf('engine');
  expect(() => session.answer(call)).toThrow('no flows are loaded');
  session.answer({ kind: 'load', frames: [labRows()] });
  expect(() => session.answer(call)).toThrow('no policies are loaded');
});

test('the decoder rejects requests about policies', () => {
  const session = sessionOf('decoder');
  session.answer({ kind: 'load', frames: [labRows()] });
  expect(() => session.answer({ kind: 'lint' })).toThrow('the decoder knows no policies');
});
