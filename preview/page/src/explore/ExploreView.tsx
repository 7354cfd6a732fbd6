import { css } from '@emotion/css';
import { CoreApp, LoadingState, type DataSourceApi, type GrafanaTheme2 } from '@grafana/data';
import { getDataSourceSrv } from '@grafana/runtime';
import { type SceneComponentProps } from '@grafana/scenes';
import { Alert, Button, IconButton, LoadingPlaceholder, Select, Stack, Text, useStyles2 } from '@grafana/ui';
import { useEffect } from 'react';

import { Failure, useLoaded } from '../chrome/useLoaded';
import { NoData } from '../panels/NoData';
import { type ExploreScene } from './ExploreScene';

const load = (uid: string): Promise<DataSourceApi> => getDataSourceSrv().get(uid);

export function ExploreView({ model }: SceneComponentProps<ExploreScene>) {
  const styles = useStyles2(getStyles);
  const { datasourceUid, timePicker, results, $data } = model.useState();
  const { data, queries: ran } = $data.useState();
  const { loaded: datasource, error } = useLoaded(load, datasourceUid);
  const errors = data?.errors ?? (data?.error ? [data.error] : []);
  const isLoading = data?.state === LoadingState.Loading;
  return (
    <div className={styles.pane}>
      <div className={styles.toolbar}>
        <Select
          aria-label="Data source"
          width={30}
          value={datasource?.uid ?? null}
          onChange={({ value }) => value && model.changeDataSource(value)}
          options={getDataSourceSrv()
            .getList()
            .map(({ name, uid }) => ({ label: name, value: uid }))}
        />
        <div className={styles.times}>
          <timePicker.Component model={timePicker} />
          <Button onClick={() => model.run()} icon={isLoading ? 'spinner' : 'sync'}>
            Run query
          </Button>
        </div>
      </div>
      {error !== undefined && <Failure title="The data source cannot be used" error={error} />}
      {!datasource && !error && <LoadingPlaceholder text="Loading the data source" />}
      {datasource && <Queries key={datasource.uid} model={model} datasource={datasource} />}
      {errors.map((each, index) => (
        <Alert key={index} title={each.refId ? `Query ${each.refId} failed` : 'The query failed'}>
          {each.message ?? each.data?.message}
        </Alert>
      ))}
      {results.map((panel) => (
        <div key={panel.state.pluginId} className={panel.state.pluginId === 'timeseries' ? styles.graph : styles.rows}>
          <panel.Component model={panel} />
        </div>
      ))}
      {data?.state === LoadingState.Done && ran.length > 0 && results.length === 0 && <NoData />}
    </div>
  );
}

interface QueriesProps {
  model: ExploreScene;
  datasource: DataSourceApi;
}

function Queries({ model, datasource }: QueriesProps) {
  const styles = useStyles2(getStyles);
  const { queries, $data, $timeRange } = model.useState();
  const { data } = $data.useState();
  const { value: range } = $timeRange.useState();
  const newQuery = () => ({ datasource: datasource.getRef(), ...datasource.getDefaultQuery?.(CoreApp.Explore) });
  useEffect(() => {
    if (model.state.queries.length === 0) {
      model.setState({ datasourceUid: datasource.uid });
      model.addQuery(newQuery());
    }
    // Only a pane without queries gets the default query.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [model, datasource]);
  const QueryEditor = datasource.components?.QueryEditor;
  if (!QueryEditor) {
    return <Alert title={`${datasource.name} has no query editor`} />;
  }
  return (
    <Stack direction="column" gap={1}>
      {queries.map((query, index) => (
        <section key={query.refId} className={styles.query} aria-label={`Query ${query.refId}`}>
          <Stack justifyContent="space-between">
            <Text color="link">{query.refId}</Text>
            {queries.length > 1 && (
              <IconButton name="trash-alt" tooltip="Remove query" onClick={() => model.removeQuery(index)} />
            )}
          </Stack>
          <QueryEditor
            datasource={datasource}
            query={query}
            queries={queries}
            data={data}
            range={range}
            app={CoreApp.Explore}
            history={[]}
            onChange={(changed) => model.changeQuery(index, changed)}
            onRunQuery={() => model.run()}
          />
        </section>
      ))}
      <div>
        <Button variant="secondary" size="sm" icon="plus" onClick={() => model.addQuery(newQuery())}>
          Add query
        </Button>
      </div>
    </Stack>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  pane: css({ display: 'flex', flexDirection: 'column', flexGrow: 1, gap: theme.spacing(2) }),
  toolbar: css({ display: 'flex', flexWrap: 'wrap', justifyContent: 'space-between', gap: theme.spacing(1) }),
  times: css({ display: 'flex', gap: theme.spacing(1) }),
  query: css({
    background: theme.colors.background.primary,
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: theme.shape.radius.default,
    padding: theme.spacing(1),
  }),
  graph: css({ height: 320, display: 'flex', flexShrink: 0 }),
  rows: css({ height: 'max(480px, 60vh)', display: 'flex', flexShrink: 0 }),
});
