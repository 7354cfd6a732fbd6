import { flowsBehind } from './flowsBehind';

function check(expr: string, ...expected: Array<Partial<ReturnType<typeof flowsBehind>[number]>>) {
  const whole = expected.map((flows) => ({ filter: {}, exclude: {}, unsupported: [], widened: [], ...flows }));
  expect(flowsBehind([expr])).toEqual(whole);
}

const dropped = { verdict: ['DROPPED'] };

test('every metric of drops gives the filter for drops', () => {
  check('sum by (reason) (rate(hubble_drop_total[5m]))', { filter: dropped });
  check('hubble_drop_total{reason="POLICY_DENIED", protocol="TCP"}', {
    filter: { ...dropped, dropReasonDesc: ['POLICY_DENIED'], protocol: ['tcp'] },
  });
  check('cilium_drop_count_total{reason=~"Policy denied|Invalid source ip", direction="INGRESS"}', {
    filter: { ...dropped, dropReasonDesc: ['Policy denied', 'Invalid source ip'], trafficDirection: ['INGRESS'] },
  });
  check('networkobservability_drop_count{direction="ingress"}', {
    filter: { ...dropped, trafficDirection: ['INGRESS'] },
  });
});

test('pods, addresses and reserved names in source and destination', () => {
  check('hubble_drop_total{destination="pets/store-front-1"}', {
    filter: { ...dropped, toPod: ['pets/store-front-1'] },
  });
  check('hubble_drop_total{source=~"pets/.*"}', {
    filter: { ...dropped, fromPod: ['pets/'] },
    widened: ['source=~"pets/.*"'],
  });
  check('hubble_drop_total{source=~"(pets/a|shop/b)"}', { filter: { ...dropped, fromPod: ['pets/a', 'shop/b'] } });
  check('hubble_drop_total{source="10.0.0.7"}', { filter: { ...dropped, fromIp: ['10.0.0.7'] } });
  check('hubble_drop_total{destination="fd00::7"}', { filter: { ...dropped, toIp: ['fd00::7'] } });
  check('hubble_drop_total{source="reserved:world"}', { filter: { ...dropped, fromLabel: ['reserved:world'] } });
  check('hubble_drop_total{source="pets"}', { filter: dropped, unsupported: ['source="pets"'] });
});

test('names and namespaces in two labels', () => {
  check(
    'hubble_http_requests_total{destination_namespace="pets", destination_workload="product-service", status="503"}',
    {
      filter: { protocol: ['http'], toWorkload: ['pets/product-service'], httpStatus: ['503'] },
    }
  );
  check('networkobservability_adv_drop_count{namespace="pets", podname="a", direction="ingress"}', {
    filter: { ...dropped, toPod: ['pets/a'], trafficDirection: ['INGRESS'] },
  });
  check('networkobservability_adv_forward_count{podname="a"}', { filter: {}, unsupported: ['podname=~"a"'] });
});

test('negated matchers', () => {
  check('hubble_flows_processed_total{verdict!="FORWARDED"}', { exclude: { verdict: ['FORWARDED'] } });
  // "Not this and not that" is not what two flags after --not say.
  check('hubble_flows_processed_total{verdict!="FORWARDED", protocol!~"UDP|DNS"}', {
    exclude: { verdict: ['FORWARDED'] },
    unsupported: ['protocol!~"UDP|DNS"'],
  });
});

test('labels that are no filter of flows', () => {
  check('hubble_drop_total{cluster="aks", job=~".+", source=~".*", instance="node-1"}', {
    filter: { ...dropped, nodeName: ['node-1'] },
  });
  check('hubble_drop_total{instance="10.0.0.1:9965"}', { filter: dropped, unsupported: ['instance="10.0.0.1:9965"'] });
  check('hubble_dns_queries_total{query="a.b."}', { filter: { protocol: ['dns'] }, unsupported: ['query="a.b."'] });
  check('hubble_drop_total{reason=~"POLICY.*"}', { filter: dropped, unsupported: ['reason=~"POLICY.*"'] });
  check('hubble_drop_total{source=""}', { filter: dropped, unsupported: ['source=""'] });
});

test('several selectors, without duplicates', () => {
  check(
    'rate(hubble_tcp_flags_total{flag="SYN"}[5m]) - rate(hubble_tcp_flags_total{flag="SYN-ACK"}[5m]) > rate(hubble_tcp_flags_total{flag="SYN"}[5m])',
    { filter: { protocol: ['tcp'], tcpFlags: ['SYN'] } },
    { filter: { protocol: ['tcp'], tcpFlags: ['SYN,ACK'] } }
  );
  check('hubble_policy_verdicts_total{direction="ingress", action="dropped"}', {
    filter: { type: ['policy-verdict', 'l7'], trafficDirection: ['INGRESS'], verdict: ['DROPPED'] },
  });
});

test('string literals in all notations of Prometheus', () => {
  check("hubble_drop_total{reason='POLICY_DENIED'}", { filter: { ...dropped, dropReasonDesc: ['POLICY_DENIED'] } });
  check('{__name__="hubble_drop_total", reason=`Policy denied`}', {
    filter: { ...dropped, dropReasonDesc: ['Policy denied'] },
  });
  check('hubble_drop_total{source=~"pets/a\\\\.b"}', { filter: { ...dropped, fromPod: ['pets/a.b'] } });
  check('hubble_drop_total{reason="a\\"b"}', { filter: { ...dropped, dropReasonDesc: ['a"b'] } });
  check('hubble_drop_total{source="x/<img src=1>"', { filter: { ...dropped, fromPod: ['x/<img src=1>'] } });
  check('(((((');
  check('');
});
