import {
  AppEvents,
  PluginExtensionPoints,
  type PluginExtensionAddedLinkConfig,
  type RawTimeRange,
  type ScopedVars,
} from '@grafana/data';
import { getAppEvents, getDataSourceSrv, getTemplateSrv, locationService } from '@grafana/runtime';

import { escapeRegex, escapeText } from '../../datasource/query/promqlText';
import { lazyComponent } from '../../lazyComponent';
import { datasourceId } from '../../pluginIds';
import { exploreLink } from '../exploreLink';
import { text } from '../text';
import { flowsOf } from './metrics';

/** The part of an extension's context that this link reads. */
interface PanelContext {
  targets?: unknown[];
  timeRange?: RawTimeRange;
  scopedVars?: ScopedVars;
}

const ChooseFlows = lazyComponent(() => import('./ChooseFlows').then(({ ChooseFlows }) => ChooseFlows), text.showFlows);

/** The link "Show flows" in the menu of panels and in Explore, wherever PromQL counts flows. */
export const showFlowsLink: PluginExtensionAddedLinkConfig<PanelContext> = {
  targets: [PluginExtensionPoints.DashboardPanelMenu, PluginExtensionPoints.ExploreToolbarAction],
  title: text.showFlows.title,
  description: text.showFlows.description,
  icon: 'list-ul',
  configure: (context) => (exprsOf(context).some(namesFlows) ? {} : undefined),
  onClick: (event, { context, openModal }) => {
    event?.preventDefault();
    show(context, openModal).catch(() =>
      getAppEvents().publish({ type: AppEvents.alertError.name, payload: [text.showFlows.failed] })
    );
  },
};

/** The expressions of a panel's queries, except hidden ones. */
function exprsOf(context: PanelContext | undefined): string[] {
  const exprs: string[] = [];
  for (const target of context?.targets ?? []) {
    if (typeof target === 'object' && target !== null && 'expr' in target && typeof target.expr === 'string') {
      if (!('hide' in target && target.hide === true)) {
        exprs.push(target.expr);
      }
    }
  }
  return exprs;
}

/** Whether an expression names a metric of flows. Called for every panel menu, so it does not load the parser. */
function namesFlows(expr: string): boolean {
  return (expr.match(/[a-z_:][\w:]*/gi) ?? []).some((name) => flowsOf(name) !== undefined);
}

type OpenModal = Parameters<NonNullable<typeof showFlowsLink.onClick>>[1]['openModal'];

async function show(context: PanelContext | undefined, openModal: OpenModal): Promise<void> {
  const { flowsBehind, conditionsOf } = await import('./flowsBehind');
  const exprs = exprsOf(context).map((expr) => getTemplateSrv().replace(expr, context?.scopedVars, asRegex));
  const flows = flowsBehind(exprs);
  const sources = getDataSourceSrv().getList({ pluginId: datasourceId });
  const exact = flows.every(({ unsupported, widened }) => unsupported.length === 0 && widened.length === 0);
  const [source] = sources;
  if (source !== undefined && sources.length === 1 && exact && flows.length > 0) {
    locationService.push(exploreLink(source.uid, conditionsOf(flows), context?.timeRange));
    return;
  }
  openModal({
    title: text.showFlows.title,
    body: ({ onDismiss }) => (
      <ChooseFlows flows={flows} sources={sources} range={context?.timeRange} onDismiss={onDismiss} />
    ),
  });
}

/** The format of variables in Grafana's Prometheus source: a regular expression within double quotes. */
function asRegex(value: string | string[]): string {
  if (typeof value === 'string') {
    return value;
  }
  const escaped = value.map((one) => escapeText(escapeRegex(one)));
  return escaped.length === 1 ? (escaped[0] ?? '') : `(${escaped.join('|')})`;
}
