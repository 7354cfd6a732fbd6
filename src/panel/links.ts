import { locationUtil, urlUtil, type IconName, type RawTimeRange } from '@grafana/data';
import { getBackendSrv } from '@grafana/runtime';

import { exploreLink } from '../app/exploreLink';
import { contextFilters } from '../datasource/logs/context';
import { escapeRegex } from '../datasource/query/promqlText';
import { endOf } from './cellFilter';
import type { FlowValues } from './engine/protocol';
import { tableText } from './tableText';

/** The tag of this app's dashboards. */
const dashboardTag = 'k8s:network-observability';

export interface FoundDashboard {
  uid: string;
  url: string;
}

export interface FlowLink {
  label: string;
  href: string;
  icon: IconName;
}

interface Place {
  /** uid of the data source of the flows. */
  source: string | undefined;
  range: RawTimeRange;
  /** This app's dashboards that exist. */
  dashboards: readonly FoundDashboard[];
  /** Whether the user may use Explore. */
  mayExplore: boolean;
}

/** The dashboards about a pod. */
const podDashboards = [
  { uid: 'k8snet-pod-flows-workload', label: tableText.links.podFlows },
  { uid: 'k8snet-drops-workload', label: tableText.links.drops },
  { uid: 'k8snet-dns-workload', label: tableText.links.dns },
];

let found: Promise<FoundDashboard[]> | undefined;

/** This app's dashboards, asked for once for all menus of a page; none where the search fails. */
export function foundDashboards(): Promise<FoundDashboard[]> {
  found ??= search().catch(() => {
    // The next menu asks again.
    found = undefined;
    return [];
  });
  return found;
}

async function search(): Promise<FoundDashboard[]> {
  const dashboards: unknown = await getBackendSrv().get('/api/search', {
    type: 'dash-db',
    tag: dashboardTag,
    limit: 100,
  });
  return Array.isArray(dashboards) ? dashboards : [];
}

/** The links of a flow: dashboards of its pods, the pair both ways, the reply, the DNS lookup that led here. */
export function linksOf(values: FlowValues, { source, range, dashboards, mayExplore }: Place): FlowLink[] {
  const links: FlowLink[] = [];
  for (const role of ['from', 'to'] as const) {
    const [namespace, pod] = (values[`${role}Pod`] ?? '').split('/');
    for (const { uid, label } of podDashboards) {
      const dashboard = dashboards.find((own) => own.uid === uid);
      if (dashboard && namespace && pod) {
        const workload = values[`${role}Workload`];
        const variables = {
          'var-namespace': namespace,
          ...(workload && { 'var-workload': workload }),
          'var-pod': pod,
          from: timeOf(range.from),
          to: timeOf(range.to),
        };
        const href = urlUtil.renderUrl(
          locationUtil.assureBaseUrl(locationUtil.stripBaseFromUrl(dashboard.url)),
          variables
        );
        links.push({ label: label(pod), href, icon: 'apps' });
      }
    }
  }
  if (source === undefined || !mayExplore) {
    return links;
  }
  const explore = (label: string, conditions: Parameters<typeof exploreLink>[1]) =>
    links.push({ label, href: exploreLink(source, conditions, range), icon: 'compass' });
  const [from, to] = [endOf(values, 'from'), endOf(values, 'to')];
  if (from && to) {
    const labels = Object.fromEntries(Object.entries(values).map(([key, value]) => [key, value ?? '']));
    explore(tableText.links.pair, [{ allowlist: contextFilters(labels, 'pair') }]);
    const reply = values.reply === 'true';
    explore(reply ? tableText.links.request : tableText.links.reply, [
      {
        filter: {
          [`from${to.name}`]: [to.value],
          [`to${from.name}`]: [from.value],
          ...(values.toPort && { fromPort: [values.toPort] }),
          ...(values.fromPort && { toPort: [values.fromPort] }),
        },
      },
    ]);
  }
  // The side that a name was looked up for: the other end is the client.
  const [client, name] = values.toFqdn ? [from, values.toFqdn] : [to, values.fromFqdn];
  if (client?.name === 'Pod' && name) {
    explore(tableText.links.lookup(name), [
      { filter: { pod: [client.value], protocol: ['dns'], dnsQuery: [`^${escapeRegex(name)}\\.?$`] } },
    ]);
  }
  return links;
}

function timeOf(time: RawTimeRange['from']): string {
  return typeof time === 'string' ? time : String(time.valueOf());
}
