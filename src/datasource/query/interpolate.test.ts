import type { TypedVariableModel } from '@grafana/data';

import { expand, interpolatePromql, interpolateQuery, type Template } from './interpolate';
import type { AdhocFilter, FlowsQuery, PromqlQuery } from './model';

interface Variable {
  value: string | string[];
  multi?: boolean;
  includeAll?: boolean;
  /** The chosen value, where it differs from `value`. */
  current?: string | string[];
  /** A text that is put in as it is for "All". */
  allValue?: string;
}

/** Replaces as Grafana does: the format function gets the value, a custom "All" goes in as it is. */
function template(variables: Record<string, Variable>): Template {
  return {
    getVariables: () =>
      Object.entries(variables).map(
        ([name, { value, current }]) =>
          ({ name, current: { value: current ?? value } }) as unknown as TypedVariableModel
      ),
    replace: (target = '', scopedVars, format) =>
      target.replace(/\$(\w+)|\$\{(\w+)\}/g, (whole, plain: string, braced: string) => {
        const name = plain ?? braced;
        const variable = variables[name];
        const scoped = scopedVars?.[name]?.value as string | undefined;
        const value = scoped ?? variable?.value;
        if (value === undefined) {
          return whole;
        }
        if (scoped === undefined && variable?.allValue !== undefined) {
          return variable.allValue;
        }
        return typeof format === 'function' ? format(value, { name, ...variable }) : String(value);
      }),
  };
}

const all = ['$__all'];

describe('a filter line', () => {
  test.each<[string, Record<string, Variable>, string[], string[]]>([
    ['without variables stays', {}, ['pets', 'default'], ['pets', 'default']],
    ['keeps an unknown variable', {}, ['$unknown'], ['$unknown']],
    ['takes a value', { ns: { value: 'pets' } }, ['$ns'], ['pets']],
    ['takes several values', { ns: { value: ['pets', 'default'] } }, ['$ns'], ['pets', 'default']],
    ['takes a value within a text', { ns: { value: 'pets' } }, ['${ns}/store'], ['pets/store']],
    [
      'takes every combination',
      { ns: { value: ['a', 'b'] }, pod: { value: ['x', 'y'] } },
      ['$ns/$pod'],
      ['a/x', 'a/y', 'b/x', 'b/y'],
    ],
    ['says nothing twice', { ns: { value: ['pets', 'pets'] } }, ['$ns', 'pets'], ['pets']],
    ['keeps an empty value, which the backend takes for none', { ns: { value: '' } }, ['$ns'], ['']],
    ['has no condition for All', { ns: { value: ['a', 'b'], current: all } }, ['$ns'], []],
    ['has no condition for All beside a text', { ns: { value: ['a', 'b'], current: '$__all' } }, ['$ns', 'c'], []],
    ['has no condition for All as the source of variables hands it out', { ns: { value: all } }, ['$ns'], []],
    ['has no condition for a custom All', { ns: { value: all, allValue: '.*' } }, ['$ns'], []],
    ['keeps a custom All that says something', { ns: { value: all, allValue: 'pets' } }, ['$ns'], ['pets']],
    ['keeps .* that was typed', {}, ['.*'], ['.*']],
  ])('%s', (_, variables, texts, expected) => {
    expect(expand(texts, template(variables), {})).toEqual(expected);
  });

  test('takes the value of a repeated panel over the dashboard’s All', () => {
    const repeated = template({ ns: { value: ['a', 'b'], current: all } });
    expect(expand(['$ns'], repeated, { ns: { text: 'a', value: 'a' } })).toEqual(['a']);
  });

  test('refuses an expansion into too many values', () => {
    const many = Array.from({ length: 200 }, (_, at) => `v${at}`);
    const variables = template({ a: { value: many }, b: { value: many } });
    expect(() => expand(['$a/$b'], variables, {})).toThrow('stands for more than 10000 values');
  });
});

describe('PromQL', () => {
  const variables = template({
    ns: { value: 'pets' },
    reasons: { value: ['POLICY_DENIED', 'a.b'], multi: true },
    one: { value: ['a.b'], multi: true },
    quoted: { value: 'a"b\\c' },
    __interval: { value: '1m' },
    __range: { value: '1h' },
  });
  test.each([
    ['up{namespace="$ns"}', 'up{namespace="pets"}'],
    ['up{reason=~"$reasons"}', 'up{reason=~"(POLICY_DENIED|a\\\\.b)"}'],
    ['up{reason=~"$one"}', 'up{reason=~"a\\\\.b"}'],
    ['up{x="$quoted"}', 'up{x="a\\"b\\\\c"}'],
    ['rate(up[$__interval]) + rate(up[${__interval}])', 'rate(up[$__interval]) + rate(up[${__interval}])'],
    ['rate(up[$__rate_interval]) * $__interval_ms', 'rate(up[$__rate_interval]) * $__interval_ms'],
    ['increase(up{n="$ns"}[$__range])/$__range_s', 'increase(up{n="pets"}[$__range])/$__range_s'],
  ])('%s', (expr, expected) => {
    expect(interpolatePromql(expr, variables, {})).toBe(expected);
  });
});

test('variables are replaced in all fields of a query', () => {
  const variables = template({ ns: { value: ['a', 'b'] }, step: { value: '30s' } });
  const flows: FlowsQuery = {
    refId: 'A',
    queryType: 'flows',
    filter: { namespace: ['$ns'], verdict: ['DROPPED'] },
    exclude: { pod: ['$ns/x'] },
    limit: 5,
  };
  expect(interpolateQuery(flows, variables, {})).toEqual({
    ...flows,
    filter: { namespace: ['a', 'b'], verdict: ['DROPPED'] },
    exclude: { pod: ['a/x', 'b/x'] },
  });
  const promql: PromqlQuery = { refId: 'B', expr: 'up', legendFormat: '{{pod}} $step', interval: '$step' };
  expect(interpolateQuery(promql, variables, {})).toEqual({ ...promql, legendFormat: '{{pod}} 30s', interval: '30s' });
  expect(interpolateQuery({ refId: 'C', queryType: 'flows' }, variables, {})).toEqual({
    refId: 'C',
    queryType: 'flows',
  });
});

describe('ad hoc filters of PromQL', () => {
  const variables = template({
    pod: { value: 'a.b' },
    pods: { value: ['a.b', 'c'], multi: true },
    all: { value: ['a', 'b'], current: ['$__all'], multi: true },
    number: { value: '5' },
  });
  const filters = (...texts: string[]) =>
    texts.map((text): AdhocFilter => {
      const [key = '', operator = '', value = ''] = text.split(' ');
      return { key, operator, value };
    });
  test.each<[string, AdhocFilter[], string]>([
    ['up{x=~"$pods"}', filters('pod = $pod'), 'up{x=~"(a\\\\.b|c)",pod="a.b"}'],
    ['up > $number', filters('pod != x'), 'up{pod!="x"} > 5'],
    ['rate(up[$__rate_interval])', filters('pod =~ $pod|x.*'), 'rate(up{pod=~"a\\\\.b|x.*"}[$__rate_interval])'],
    ['up', filters('pod =~ $pods'), 'up{pod=~"(a\\\\.b|c)"}'],
    ['up', filters('pod = $pods'), 'up{pod=~"a\\\\.b|c"}'],
    ['up', filters('pod != $pods'), 'up{pod!~"a\\\\.b|c"}'],
    ['up', filters('pod = $all', 'ns = b'), 'up{ns="b"}'],
    ['up', [{ key: 'pod', operator: '=|', value: '', values: ['$pods', 'd'] }], 'up{pod=~"a\\\\.b|c|d"}'],
  ])('%s with %j', (expr, adhocFilters, expected) => {
    const query: PromqlQuery = { refId: 'A', expr };
    expect(interpolateQuery(query, variables, {}, adhocFilters as never)).toEqual({ ...query, expr: expected });
    // Set by a click: the query's own.
    expect(interpolateQuery({ ...query, adhocFilters }, variables, {})).toEqual({ ...query, expr: expected });
  });

  test('unsupported ones are passed on to the backend, for a notice', () => {
    const query: PromqlQuery = { refId: 'A', expr: 'up{' };
    const [filter] = filters('pod = a');
    expect(interpolateQuery(query, variables, {}, [filter] as never)).toEqual({ ...query, adhocFilters: [filter] });
  });
});

describe('the ad hoc variable that a query names', () => {
  const query: FlowsQuery = { refId: 'A', queryType: 'flows', adhocVariable: '$filters' };
  const written = (address: string): Template => ({
    getVariables: () => [],
    replace: (target = '') => (target === '${filters:queryparam}' ? address : target),
  });

  test.each<[string, string, AdhocFilter[] | undefined]>([
    ['is not on the dashboard', '${filters:queryparam}', undefined],
    ['has no condition', 'var-filters=', undefined],
    [
      'has conditions',
      'var-filters=verdict%7C%3D%7CDROPPED&var-filters=type%7C!%3D%7Cpolicy-verdict',
      [
        { key: 'verdict', operator: '=', value: 'DROPPED' },
        { key: 'type', operator: '!=', value: 'policy-verdict' },
      ],
    ],
    [
      'has a condition of several values, with labels for people',
      'var-filters=pod%7C%3D__gfp__%7Cpets%2Fa,the%20first%7Cpets%2Fb,',
      [{ key: 'pod', operator: '=|', value: '', values: ['pets/a', 'pets/b'] }],
    ],
    [
      'has characters of its own, and an origin',
      'var-filters=httpPath%7C%3D%7C%2Fa__gfc__b__gfp__c__gfh__d%23dashboard%23restorable',
      [{ key: 'httpPath', operator: '=', value: '/a,b|c#d' }],
    ],
  ])('%s', (_, address, expected) => {
    const { adhocFilters, ...rest } = interpolateQuery(query, written(address), {});
    expect(adhocFilters).toEqual(expected);
    expect(rest).not.toHaveProperty('adhocVariable');
  });

  test('is not read if Grafana passed its filters', () => {
    const handed = { key: 'verdict', operator: '=', value: 'AUDIT' };
    const address = 'var-filters=verdict%7C%3D%7CDROPPED';
    expect(interpolateQuery(query, written(address), {}, [handed]).adhocFilters).toEqual([handed]);
  });
});
