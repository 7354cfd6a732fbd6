import { type DataTransformerConfig } from '@grafana/data';
import {
  behaviors,
  EmbeddedScene,
  getExploreURL,
  SceneControlsSpacer,
  sceneGraph,
  SceneDataTransformer,
  SceneGridItem,
  SceneGridLayout,
  SceneGridRow,
  SceneQueryRunner,
  SceneReactObject,
  SceneRefreshPicker,
  SceneTimePicker,
  SceneTimeRange,
  SceneVariableSet,
  VariableValueSelectors,
  VizPanel,
  VizPanelMenu,
  type SceneDataQuery,
  type SceneObject,
  type SceneGridItemLike,
} from '@grafana/scenes';

import { DashboardLinks } from './DashboardLinks';
import { type Dashboard, type PanelModel } from './model';
import { PanelNotices } from './PanelNotices';
import { sceneVariable } from './variables';

export interface ShownDashboard {
  scene: DashboardScene;
  /** Parts of the dashboard that the preview does not show, as text. */
  leftOut: string[];
}

/** The scene of a dashboard, which adds to its panels' requests what Grafana adds. */
export class DashboardScene extends EmbeddedScene {
  enrichDataRequest(source: SceneObject) {
    const { title, pluginId } = sceneGraph.getAncestor(source, VizPanel).state;
    return { panelName: title, panelPluginId: pluginId };
  }
}

/** A classic dashboard as a scene. */
export function dashboardScene(dashboard: Dashboard): ShownDashboard {
  const leftOut: string[] = [];
  const variables = (dashboard.templating?.list ?? []).flatMap((model) => {
    const variable = sceneVariable(model);
    if (!variable) {
      leftOut.push(`variable ${model.name} (${model.type})`);
    }
    return variable ?? [];
  });
  for (const annotation of dashboard.annotations?.list ?? []) {
    if (!annotation.builtIn) {
      leftOut.push(`annotations ${annotation.name}`);
    }
  }
  const { time, timezone, fiscalYearStartMonth, timepicker, refresh } = dashboard;
  const scene = new DashboardScene({
    $timeRange: new SceneTimeRange({ from: time?.from, to: time?.to, timeZone: timezone, fiscalYearStartMonth }),
    $variables: new SceneVariableSet({ variables }),
    $behaviors: [
      new behaviors.CursorSync({ key: 'cursor', sync: dashboard.graphTooltip ?? 0 }),
      new behaviors.SceneQueryController(),
    ],
    controls: [
      new VariableValueSelectors({}),
      new SceneControlsSpacer(),
      new SceneReactObject({ component: DashboardLinks, props: { links: dashboard.links ?? [] } }),
      new SceneTimePicker({}),
      new SceneRefreshPicker({
        refresh: typeof refresh === 'string' ? refresh : '',
        intervals: timepicker?.refresh_intervals,
      }),
    ],
    body: new SceneGridLayout({ children: gridItems(dashboard.panels ?? []) }),
  });
  return { scene, leftOut };
}

/** Panels and rows in order. An open row holds the panels after it, a collapsed one its own. */
function gridItems(panels: PanelModel[]): SceneGridItemLike[] {
  const items: SceneGridItemLike[] = [];
  let openRow: SceneGridRow | undefined;
  for (const model of panels) {
    if (model.type === 'row') {
      const row = new SceneGridRow({
        key: `row-${model.id ?? items.length}`,
        title: model.title ?? '',
        isCollapsed: model.collapsed,
        y: model.gridPos?.y ?? 0,
        children: model.collapsed ? gridItems(model.panels ?? []) : [],
      });
      openRow = model.collapsed ? undefined : row;
      items.push(row);
    } else if (openRow) {
      openRow.setState({ children: [...openRow.state.children, gridItem(model)] });
    } else {
      items.push(gridItem(model));
    }
  }
  return items;
}

function gridItem(model: PanelModel): SceneGridItem {
  const { x = 0, y = 0, w = 12, h = 8 } = model.gridPos ?? {};
  return new SceneGridItem({ x, y, width: w, height: h, body: vizPanel(model) });
}

function vizPanel(model: PanelModel): VizPanel {
  return new VizPanel({
    key: `panel-${model.id}`,
    title: model.title ?? '',
    description: model.description,
    pluginId: model.type,
    titleItems: new PanelNotices({}),
    options: model.options ?? {},
    fieldConfig: model.fieldConfig ?? { defaults: {}, overrides: [] },
    $data: model.targets?.length ? panelData(model, model.targets) : undefined,
    menu: model.targets?.length ? exploreMenu() : undefined,
  });
}

/** A panel's menu: Explore with the panel's queries, variables replaced. */
function exploreMenu(): VizPanelMenu {
  const menu = new VizPanelMenu({ items: [] });
  menu.addActivationHandler(() => {
    const { data } = sceneGraph.getData(menu).state;
    const panel = menu.parent;
    if (data && panel) {
      void getExploreURL(data, panel, sceneGraph.getTimeRange(menu).state.value).then((href) =>
        menu.setState({ items: [{ text: 'Explore', iconClassName: 'compass', href }] })
      );
    }
  });
  return menu;
}

function panelData(model: PanelModel, targets: SceneDataQuery[]) {
  const $data = new SceneQueryRunner({
    queries: targets,
    datasource: model.datasource ?? undefined,
    minInterval: model.interval,
    maxDataPoints: model.maxDataPoints,
    maxDataPointsFromWidth: model.maxDataPoints === undefined,
  });
  // Also without transformations: the panel plugin may add some.
  const transformations: DataTransformerConfig[] = model.transformations ?? [];
  return new SceneDataTransformer({ $data, transformations });
}
