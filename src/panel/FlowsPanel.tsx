import { css } from '@emotion/css';
import { LoadingState, type GrafanaTheme2, type PanelProps, type QueryResultMetaNotice } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';

import { FlowDrawer } from './detail/FlowDrawer';
import { startEngine } from './engine/startEngine';
import { FlowsModel } from './FlowsModel';
import type { FlowsState } from './flowsState';
import { queryOf, type Progress } from './frames';
import { NoFlows } from './NoFlows';
import type { ViewSpec } from './engine/protocol';
import { panesWith } from './explorePanes';
import { keptView, useKeptView } from './keptView';
import { isInExplore } from './lastMinutes';
import { Notices } from './Notices';
import { expectsPolicies, sourcesOf } from './policies/fetchPolicies';
import { noticesOfPolicies } from './policies/notices';
import { PoliciesDrawer } from './policies/PoliciesDrawer';
import { usePolicies } from './policies/usePolicies';
import { rowHeights, type FlowsPanelOptions } from './options';
import { EmptyAnswer, ErrorAnswer, UnsupportedAnswer, Waiting } from './States';
import { zoneOf } from './table/cells';
import { useShownOptions, type OwnOptions } from './shownOptions';
import { columns as allColumns, shownColumns } from './table/columns';
import { moved } from './table/layout';
import { FlowGrid } from './table/FlowGrid';
import { testIds } from './testIds';
import { text } from './text';
import { Toolbar } from './Toolbar';
import { useCellActions } from './useCellActions';
import { inZone } from './when';

const everyColumn = allColumns.map(({ id }) => id);

type Props = PanelProps<FlowsPanelOptions>;

/** The flows panel: draws the state of a `FlowsModel`. */
export function FlowsPanel(props: Props) {
  const { data, width, height } = props;
  const styles = useStyles2(panelStyles);
  const [options, changeOptions] = useShownOptions(props.options, props.onOptionsChange);
  const columns = useMemo(() => shownColumns(options.columns), [options.columns]);
  const pane = isInExplore() ? (panesWith(queryOf(data.series))[0] ?? '') : '';
  const model = useFlowsModel(() => ({ ...keptView(props.options, pane), columns: columns.map(({ id }) => id) }));
  useKeptView(model, props.options, props.onOptionsChange, pane);

  // A refresh may empty the answer first: the old flows remain until new ones arrive.
  const isUnderWay = data.state === LoadingState.Loading && data.series.length === 0;
  useEffect(() => {
    if (!isUnderWay) {
      model?.setSeries(data.series, expectsPolicies({ series: data.series, request: data.request }));
    }
  }, [model, data.series, data.request, isUnderWay]);
  usePolicies(model, data, options.policiesNamespace);
  useEffect(() => model?.setSpec({ columns: columns.map((column) => column.id) }), [model, columns]);

  return (
    <div className={styles.panel} style={{ width, height }} data-testid={testIds.panel}>
      {model && <Content {...props} options={options} onOwnOptions={changeOptions} model={model} />}
    </div>
  );
}

/** One model from mount to unmount, with its worker and memory. */
function useFlowsModel(spec: () => ViewSpec): FlowsModel | undefined {
  const [model, setModel] = useState<FlowsModel>();
  const initial = useRef(spec);
  useEffect(() => {
    const made = new FlowsModel(startEngine, initial.current());
    setModel(made);
    return () => made.dispose();
  }, []);
  return model;
}

interface ContentProps extends Props {
  model: FlowsModel;
  onOwnOptions(change: Partial<OwnOptions>): void;
}

function Content({ model, data, options, timeZone, timeRange, width, onOwnOptions }: ContentProps) {
  const state = useSyncExternalStore(model.subscribe, model.getState);
  const { answer, batch, view, viewOf, spec, detail, policies, check } = state;
  const { underWay } = answer;
  // A cancelled query leaves an answer that does not go on.
  const stopped =
    underWay !== undefined && data.state !== LoadingState.Streaming && data.state !== LoadingState.Loading;
  const withPolicies = policies.compiled > 0;
  const pinned = useMemo(() => options.pinnedColumns ?? [], [options.pinnedColumns]);
  const columns = useMemo(
    () => shownColumns(options.columns, withPolicies, pinned),
    [options.columns, withPolicies, pinned]
  );
  const zone = zoneOf(options.timeColumnZone, timeZone);
  const chosen = shownColumns(options.columns).map(({ id }) => id);
  const actions = useCellActions({ model, batch, columns, data, timeRange, timeZone: zone });
  const errors = data.errors ?? (data.error ? [data.error] : []);

  if (errors.length > 0 && !(batch && batch.flows > 0)) {
    return <ErrorAnswer title={text.states.queryFailedTitle} messages={errors.map(messageOfQuery)} />;
  }
  if (state.phase === 'failed') {
    return <ErrorAnswer title={text.states.failedTitle} messages={[state.error ?? '']} />;
  }
  if (answer.frames.length === 0 && answer.unsupported.length > 0) {
    return <UnsupportedAnswer frames={answer.unsupported} />;
  }
  if (!batch || !view) {
    return data.state === LoadingState.Done && data.series.length === 0 ? (
      <EmptyAnswer title={text.states.noData} hint={text.states.noQuery} />
    ) : (
      <Waiting message={waitingFor(data.state, state)} />
    );
  }
  // Without flows, the reasons why some may be missing stand in place of the table, not among the notices.
  const isEmpty = batch.flows === 0;
  if (isEmpty && underWay && !stopped) {
    return <Waiting message={text.states.waiting} />;
  }
  const isSaidBelow = ({ text }: QueryResultMetaNotice) =>
    isEmpty && (answer.incomplete.includes(text) || answer.reworded.includes(text));
  const failures = [...errors.map(messageOfQuery), ...batch.problems];
  const notices: QueryResultMetaNotice[] = [
    ...errors.map((error) => ({ severity: 'error' as const, text: messageOfQuery(error) })),
    ...answer.notices
      .filter((notice) => !isSaidBelow(notice))
      .map((notice) => ({ ...notice, text: inZone(notice.text, zone) })),
    ...(isEmpty ? [] : batch.problems.map((problem) => ({ severity: 'warning' as const, text: problem }))),
    ...(underWay ? [progressNotice(underWay, stopped)] : []),
    ...noticesOfPolicies(policies, batch.unplaced, answer.policiesFreshness),
    ...(state.replaced ? [{ severity: 'warning' as const, text: text.states.replaced(state.replaced) }] : []),
    ...(state.onMainThread ? [{ severity: 'info' as const, text: text.states.onMainThread(state.onMainThread) }] : []),
  ];
  return (
    <>
      <Notices notices={notices} />
      {answer.unsupported.length > 0 && <UnsupportedAnswer frames={answer.unsupported} inline />}
      {isEmpty ? (
        <NoFlows
          answer={answer}
          lacks={[
            ...failures,
            ...(underWay ? [progressNotice(underWay, stopped).text] : []),
            ...answer.incomplete.map((lack) => inZone(lack, zone)),
          ]}
          timeRange={timeRange}
          timeZone={zone}
          sources={sourcesOf(data.request, data.series)}
        />
      ) : (
        <>
          <Toolbar
            model={model}
            batch={batch}
            view={view}
            spec={spec}
            isPart={underWay !== undefined || state.decoded < answer.frames.length}
            policies={policies.compiled}
            freshness={answer.policiesFreshness}
            timeZone={zone}
            commands={answer.commands}
            width={width}
            timeRange={timeRange}
            columns={columns}
            offered={shownColumns(everyColumn, withPolicies)}
            chosen={chosen}
            pinned={pinned}
            onColumns={onOwnOptions}
          />
          {view.rows.length === 0 ? (
            <EmptyAnswer
              title={text.states.nothingPasses}
              hint={text.states.nothingPassesHint}
              action={{
                label: text.states.clearFilter,
                run: () => model.setSpec({ text: '', verdicts: [], agreements: [], conditions: [] }),
              }}
            />
          ) : (
            <FlowGrid
              isFlowOpen={detail !== undefined}
              batch={batch}
              view={view}
              viewOf={viewOf}
              spec={spec}
              columns={columns}
              pinned={pinned}
              widths={options.columnWidths}
              rowHeight={rowHeights[options.density] ?? rowHeights.normal}
              timeZone={zone}
              onSort={(column) => model.sortBy(column)}
              onResize={(column, width) => onOwnOptions({ columnWidths: { ...options.columnWidths, [column]: width } })}
              onMove={(column, by) =>
                onOwnOptions({
                  columns: moved(
                    chosen,
                    columns.map(({ id }) => id),
                    column,
                    by
                  ),
                })
              }
              onPin={(column) =>
                onOwnOptions({
                  pinnedColumns: pinned.includes(column)
                    ? pinned.filter((other) => other !== column)
                    : [...pinned, column],
                })
              }
              onOpen={(row) => model.openDetail(row)}
              onFilter={actions.filter}
              onMenu={actions.openMenu}
              onCopy={actions.copy}
            />
          )}
        </>
      )}
      {actions.menu}
      {detail && (
        <FlowDrawer
          detail={detail}
          judges={withPolicies}
          freshness={answer.policiesFreshness}
          timeZone={zone}
          onFix={() => model.suggestFix()}
          onStep={(step) => model.openNext(step)}
          onClose={() => model.closeDetail()}
        />
      )}
      {check && (
        <PoliciesDrawer
          policies={policies}
          freshness={answer.policiesFreshness}
          check={check}
          timeZone={zone}
          ask={(connection, withFix) => model.ask(connection, withFix)}
          onClose={() => model.closeCheck()}
        />
      )}
    </>
  );
}

/** A notice on an answer that is not whole. */
function progressNotice({ flows, atMost }: Progress, stopped: boolean): QueryResultMetaNotice {
  const say = stopped ? text.progress.stopped : text.progress.soFar;
  const notice = say(flows.toLocaleString(), atMost.toLocaleString());
  return { severity: stopped ? 'warning' : 'info', text: notice };
}

function waitingFor(loading: LoadingState, { phase, answer }: FlowsState): string {
  if (answer.frames.length === 0 && loading !== LoadingState.Done) {
    return text.states.waiting;
  }
  return phase === 'starting' ? text.states.starting : text.states.decoding;
}

function messageOfQuery(error: { message?: string; data?: { message?: string; error?: string }; statusText?: string }) {
  return error.message ?? error.data?.message ?? error.data?.error ?? error.statusText ?? '';
}

function panelStyles(theme: GrafanaTheme2) {
  return {
    panel: css({
      display: 'flex',
      flexDirection: 'column',
      gap: theme.spacing(0.75),
      overflow: 'hidden',
    }),
  };
}
