import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { ScopedVars, TypedVariableModel } from '@grafana/data';
import { CustomVariable, EmbeddedScene, SceneFlexLayout, SceneVariableSet, sceneGraph } from '@grafana/scenes';

import { expand, interpolateQuery, type Template } from './interpolate';

interface Variable {
  value: string | string[];
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string;
  options?: string[];
}

interface Case {
  kind: 'promql' | 'relay';
  expr?: string;
  text?: string;
  variables: Record<string, Variable>;
  wantExpr?: string;
  wantText?: string;
  right: string;
}

/** The variables of a dashboard, replaced by what Grafana's dashboards are made of. */
function dashboard(variables: Record<string, Variable>): Template {
  const made = Object.entries(variables).map(
    ([name, { value, multi = false, includeAll, allValue, options }]) =>
      new CustomVariable({
        name,
        value,
        text: value,
        isMulti: multi,
        includeAll: includeAll ?? allValue !== undefined,
        allValue,
        options: (options ?? [value].flat()).map((option) => ({ label: option, value: option })),
      })
  );
  const scene = new EmbeddedScene({
    $variables: new SceneVariableSet({ variables: made }),
    body: new SceneFlexLayout({ children: [] }),
  });
  return {
    replace: (target, scopedVars?: ScopedVars, format?: Parameters<Template['replace']>[2]) =>
      sceneGraph.interpolate(scene, target, scopedVars, format as Parameters<typeof sceneGraph.interpolate>[3]),
    getVariables: () =>
      made.map(({ state }) => ({ name: state.name, current: { value: state.value } }) as unknown as TypedVariableModel),
  };
}

const vectors = readFileSync(join(__dirname, '../../../tests/vectors/variables.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Case);

test.each(vectors.map((vector) => [vector.expr ?? vector.text, vector] as const))('%s', (_, vector) => {
  const template = dashboard(vector.variables);
  const query =
    vector.kind === 'promql'
      ? ({ refId: 'A', expr: vector.expr ?? '' } as const)
      : ({ refId: 'A', queryType: 'flows', editorMode: 'text', text: vector.text } as const);
  const { expr, text } = interpolateQuery(query, template, {}) as { expr?: string; text?: string };
  expect(expr ?? text?.replace(/ +/g, ' ')).toBe(vector.wantExpr ?? vector.wantText);
});

test.each([
  ['ip', '10.0.$v.0/24'],
  ['port', '8$v'],
  ['httpHeader', 'x-id:$v'],
  ['type', '$v:to-endpoint'],
  ['pod', 'pets/$v-worker'],
  ['workload', 'Deployment/web-$v'],
] as const)('%s cannot hold All as a part of %s', (field, text) => {
  const template = dashboard({ v: { value: ['$__all'], multi: true, includeAll: true, options: ['a', 'b'] } });
  expect(() => expand([text], template, {}, field)).toThrow('All cannot be a part of');
});

test('the builder keeps the other parts, and a pod of any namespace', () => {
  const all = { value: ['$__all'], multi: true, includeAll: true, allValue: '.*', options: ['a'] };
  const template = dashboard({ all, ns: { value: 'pets' } });
  const query = {
    refId: 'A',
    queryType: 'flows',
    filter: { pod: ['$ns/$all'], fromNamespace: ['$all'], fromPod: ['web', 'shop/web'], toPod: ['web'] },
    exclude: { label: ['app=$all,tier=db'] },
    denylist: ['{"source_pod":["$ns/$all"]}', '{"source_pod":["$all"]}'],
  } as const;
  expect(interpolateQuery(query as never, template, {})).toEqual({
    ...query,
    filter: { pod: ['pets/'], fromNamespace: [], fromPod: ['/web', 'shop/web'], toPod: ['web'] },
    exclude: { label: ['tier=db'] },
    denylist: ['{"source_pod":["pets/"]}'],
  });
});
