import { selectorFor, withAdHocFilters } from './adhoc';
import type { AdhocFilter } from './model';

/** `pod=x` as Grafana stores it; `|` precedes several values. */
function filter(text: string): AdhocFilter {
  const [, key = '', operator = '', value = ''] = /^(.*?)(!=\||=\||!=|=~|!~|=|<|>)(.*)$/s.exec(text) ?? [];
  const values = value === '' ? [] : value.split(',');
  return operator.endsWith('|') ? { key, operator, value: '', values } : { key, operator, value };
}

describe('ad hoc filters become matchers', () => {
  test.each<[string, string, string[]]>([
    ['up', 'up{pod="a"}', ['pod=a']],
    ['up{}', 'up{pod="a"}', ['pod=a']],
    ['up {  }', 'up {pod="a"  }', ['pod=a']],
    ['{}', '{pod="a"}', ['pod=a']],
    ['up{job="x"}', 'up{job="x",pod="a"}', ['pod=a']],
    ['up{job="x" , }', 'up{job="x",pod="a" , }', ['pod=a']],
    ["up{job='}'}", `up{job='}',pod="a"}`, ['pod=a']],
    ['up{job="x" # pods }\n}', 'up{job="x",pod="a" # pods }\n}', ['pod=a']],
    ['up # all of it', 'up{pod="a"} # all of it', ['pod=a']],
    ['up', 'up{pod="a",ns!="b",x=~"c.*",y!~"d|e"}', ['pod=a', 'ns!=b', 'x=~c.*', 'y!~d|e']],
    ['up', 'up{pod="a"}', ['pod=a', 'pod=a']],
    // The same label twice: both apply, as in Prometheus.
    ['up{pod="a"}', 'up{pod="a",pod!="b"}', ['pod!=b']],
    // One of several values, each literal.
    ['up', 'up{pod=~"a\\\\.b|c"}', ['pod=|a.b,c']],
    ['up', 'up{pod!~"a|b\\\\+"}', ['pod!=|a,b+']],
    ['up', 'up{pod="a.b"}', ['pod=|a.b']],
    ['up', 'up{pod!="a"}', ['pod!=|a']],
    // Without a value there is no filter; the empty text selects series without the label.
    ['up', 'up', ['pod=|']],
    ['up', 'up', ['=a']],
    ['up', 'up{pod=""}', ['pod=']],
    // Escaped once for the string; a regular expression stays as it is.
    ['up', 'up{path="C:\\\\x \\"y\\"\\nz"}', ['path=C:\\x "y"\nz']],
    ['up', 'up{path=~"a\\\\.b\\"c"}', ['path=~a\\.b"c']],
    ['up', 'up{path=~"a\\\\\\\\b|\\"c"}', ['path=|a\\b,"c']],
    // Names with other characters than Prometheus 2 allows, of labels and metrics.
    ['up', 'up{"app.kubernetes.io/name"="a"}', ['app.kubernetes.io/name=a']],
    ['up', 'up{"k\\"8"="a"}', ['k"8=a']],
    ['{"metric.name"}', '{"metric.name",pod="a"}', ['pod=a']],
    ['{"metric.name", a="b"}', '{"metric.name", a="b",pod="a"}', ['pod=a']],
    ['{"l.x"="b", "metric.name"}', '{"l.x"="b", "metric.name",pod="a"}', ['pod=a']],
    ['{__name__=~"hubble_.*"}', '{__name__=~"hubble_.*",pod="a"}', ['pod=a']],
    // The metric's name may appear only once: before the braces or within.
    ['up', '{__name__="up",__name__=~"u.*"}', ['__name__=~u.*']],
    ['up{}', '{__name__="up",__name__!="x"}', ['__name__!=x']],
    ['sum(up{job="x"})', 'sum({__name__="up",job="x",__name__="up",pod="a"})', ['__name__=up', 'pod=a']],
    ['{"metric.name"}', '{"metric.name",__name__="x"}', ['__name__=x']],
  ])('%s → %s', (expr, expected, filters) => {
    expect(withAdHocFilters(expr, filters.map(filter))).toEqual({ expr: expected, unsupported: [] });
  });
});

describe('in every selector', () => {
  test.each([
    ['rate(a[5m]) / rate(b{c="d"}[5m])', 'rate(a{pod="a"}[5m]) / rate(b{c="d",pod="a"}[5m])'],
    ['sum by (le) (rate(a[$__rate_interval]))', 'sum by (le) (rate(a{pod="a"}[$__rate_interval]))'],
    ['a[${__interval}] offset $__range', 'a{pod="a"}[${__interval}] offset $__range'],
    ['a * $__interval_ms / ${__range_s}', 'a{pod="a"} * $__interval_ms / ${__range_s}'],
    ['increase(a[${__range_s}s:])', 'increase(a{pod="a"}[${__range_s}s:])'],
    ['max_over_time(rate(a[5m])[1h:1m])', 'max_over_time(rate(a{pod="a"}[5m])[1h:1m])'],
    ['a @ end() offset 5m', 'a{pod="a"} @ end() offset 5m'],
    ['a unless on (pod) b', 'a{pod="a"} unless on (pod) b{pod="a"}'],
    ['a + ignoring(x) group_left(y) b', 'a{pod="a"} + ignoring(x) group_left(y) b{pod="a"}'],
    ['topk(5, sum(a) without (b))', 'topk(5, sum(a{pod="a"}) without (b))'],
    ['label_replace(a, "pod", "$1", "x", "(.*)")', 'label_replace(a{pod="a"}, "pod", "$1", "x", "(.*)")'],
    ['absent(a{b="{}"})', 'absent(a{b="{}",pod="a"})'],
    ['-a > bool 5', '-a{pod="a"} > bool 5'],
    ['a:b:c', 'a:b:c{pod="a"}'],
    // Words that are functions or keywords elsewhere.
    ['sum + rate + count{by="x"}', 'sum{pod="a"} + rate{pod="a"} + count{by="x",pod="a"}'],
    // The second selector chooses labels of another metric.
    ['info(rate(a[5m]), {k8s_cluster="c"})', 'info(rate(a{pod="a"}[5m]), {k8s_cluster="c"})'],
    ['info(a)', 'info(a{pod="a"})'],
  ])('%s', (expr, expected) => {
    expect(withAdHocFilters(expr, [filter('pod=a')])).toEqual({ expr: expected, unsupported: [] });
  });
});

test.each(['', '1', 'time() - 5', 'vector(1)', '"text"', '$__interval_ms'])('%j has no selector to filter', (expr) => {
  // An empty expression is not PromQL, and is never sent.
  const unsupported = expr === '' ? [filter('pod=a')] : [];
  expect(withAdHocFilters(expr, [filter('pod=a')])).toEqual({ expr, unsupported });
});

test.each(['up{', 'up{pod="a}', 'rate(up[5m)', '$metric', 'up{pod=$pod}', 'a b', 'sum(', 'up[$__nothing]'])(
  '%s is not PromQL: it stays unchanged, and the filters are unsupported',
  (expr) => {
    const filters = [filter('pod=a'), filter('ns=b')];
    expect(withAdHocFilters(expr, filters)).toEqual({ expr, unsupported: filters });
  }
);

test('an operator that PromQL lacks is unsupported; the other filters apply', () => {
  const below = filter('pod<5');
  expect(withAdHocFilters('up', [below, filter('ns=b')])).toEqual({ expr: 'up{ns="b"}', unsupported: [below] });
  expect(withAdHocFilters('up', [below])).toEqual({ expr: 'up', unsupported: [below] });
});

test.each<[string[], string | undefined]>([
  [[], undefined],
  [['pod=|'], undefined],
  [['pod<5'], undefined],
  [['pod=a', 'ns!~b.*'], '{pod="a",ns!~"b.*"}'],
])('the selector of series that match %j', (filters, expected) => {
  expect(selectorFor(filters.map(filter))).toBe(expected);
});
