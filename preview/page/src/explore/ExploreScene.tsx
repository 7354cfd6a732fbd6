import { CoreApp, FieldType, LoadingState, type DataFrame, type PanelData } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import {
  SceneDataNode,
  SceneObjectBase,
  SceneQueryRunner,
  SceneTimePicker,
  SceneTimeRange,
  VizPanel,
  type SceneObjectState,
} from '@grafana/scenes';
import { type DataQuery } from '@grafana/schema';

import { PanelNotices } from '../dashboard/PanelNotices';
import { ExploreView } from './ExploreView';
import { writePane, type Pane } from './panes';

export interface ExploreState extends SceneObjectState {
  $timeRange: SceneTimeRange;
  $data: SceneQueryRunner;
  timePicker: SceneTimePicker;
  datasourceUid: string;
  /** The edited queries; the runner has those of the last run. */
  queries: DataQuery[];
  /** One panel for each kind of frame in the answer. */
  results: VizPanel[];
}

/** One pane of Explore. */
export class ExploreScene extends SceneObjectBase<ExploreState> {
  static Component = ExploreView;

  /** The URL that this scene wrote last, to tell its own changes from links. */
  writtenSearch = '';

  constructor({ datasource, queries, range }: Pane) {
    super({
      $timeRange: new SceneTimeRange(range),
      $data: new SceneQueryRunner({ queries, datasource: { uid: datasource }, maxDataPoints: window.innerWidth }),
      timePicker: new SceneTimePicker({}),
      datasourceUid: datasource,
      queries,
      results: [],
    });
    this.addActivationHandler(() => {
      const { $data, $timeRange } = this.state;
      const subscriptions = [
        $data.subscribeToState(({ data }) => data && this.show(data)),
        $timeRange.subscribeToState(() => this.writeUrl()),
      ];
      return () => subscriptions.forEach((subscription) => subscription.unsubscribe());
    });
  }

  /** What Grafana adds to the requests of Explore. */
  enrichDataRequest() {
    return { app: CoreApp.Explore };
  }

  changeDataSource(datasourceUid: string) {
    this.setState({ datasourceUid, queries: [], results: [] });
    this.state.$data.setState({ queries: [], data: undefined });
  }

  changeQuery(index: number, query: DataQuery) {
    this.setState({ queries: this.state.queries.map((each, at) => (at === index ? query : each)) });
  }

  addQuery(query: Omit<DataQuery, 'refId'>) {
    const taken = new Set(this.state.queries.map((each) => each.refId));
    const refId = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].find((letter) => !taken.has(letter)) ?? `Q${taken.size}`;
    this.setState({ queries: [...this.state.queries, { ...query, refId }] });
  }

  removeQuery(index: number) {
    this.setState({ queries: this.state.queries.filter((_, at) => at !== index) });
    this.run();
  }

  run() {
    const { $data, queries, datasourceUid } = this.state;
    $data.setState({ queries, datasource: { uid: datasourceUid } });
    $data.runQueries();
    this.writeUrl();
  }

  private writeUrl() {
    const { from, to } = this.state.$timeRange.state;
    const pane = { datasource: this.state.datasourceUid, queries: this.state.queries, range: { from, to } };
    this.writtenSearch = `?${writePane(pane)}`;
    locationService.push({ pathname: '/explore', search: this.writtenSearch });
  }

  private show(data: PanelData) {
    if (data.state === LoadingState.Loading && data.series.length === 0) {
      return;
    }
    const byPanel = new Map<string, DataFrame[]>();
    for (const frame of data.series) {
      const id = panelFor(frame);
      byPanel.set(id, [...(byPanel.get(id) ?? []), id === 'table' ? withoutHidden(frame) : frame]);
    }
    const results = [...byPanel].map(([pluginId, series]) => {
      const known = this.state.results.find((panel) => panel.state.pluginId === pluginId);
      const panel = known ?? newPanel(pluginId);
      // The view shows errors once, above the results.
      const shown = { ...data, series, state: data.state === LoadingState.Error ? LoadingState.Done : data.state };
      (panel.state.$data as SceneDataNode).setState({ data: { ...shown, error: undefined, errors: undefined } });
      return panel;
    });
    this.setState({ results });
  }
}

function newPanel(pluginId: string): VizPanel {
  const title = titles[pluginId] ?? '';
  return new VizPanel({ pluginId, title, titleItems: new PanelNotices({}), $data: new SceneDataNode() });
}

const titles: Record<string, string> = { timeseries: 'Graph', table: 'Table', 'k8snet-flows-panel': 'Flows' };

/** The panel for a frame: the one that it prefers, or else by its fields. */
function panelFor({ meta, fields }: DataFrame): string {
  if (meta?.preferredVisualisationPluginId) {
    return meta.preferredVisualisationPluginId;
  }
  const overTime =
    fields.some((field) => field.type === FieldType.time) && fields.some((field) => field.type === FieldType.number);
  const prefersTable = meta?.preferredVisualisationType ? meta.preferredVisualisationType !== 'graph' : !overTime;
  return prefersTable ? 'table' : 'timeseries';
}

/** A frame without its hidden fields: Explore's table reads `custom.hidden`, the table panel `custom.hideFrom.viz`. */
function withoutHidden(frame: DataFrame): DataFrame {
  return { ...frame, fields: frame.fields.filter((field) => !field.config.custom?.hidden) };
}
