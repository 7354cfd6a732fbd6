import { type AppPluginMeta, type DataSourceInstanceSettings, type PluginMeta } from '@grafana/data';
import { config, getBackendSrv, getDataSourceSrv } from '@grafana/runtime';
import { Card, EmptyState, LoadingPlaceholder, Stack, TagList, Text } from '@grafana/ui';

import { Page } from './Page';
import { Failure, useLoaded } from './useLoaded';

interface Hit {
  uid: string;
  title: string;
  url: string;
  folderTitle: string;
  tags: string[];
}

const search = () => getBackendSrv().get<Hit[]>('/api/search', { type: 'dash-db' });

export function HomePage() {
  const { loaded, error } = useLoaded(search, 'dashboards');
  return (
    <Page title="Dashboards">
      <Stack direction="column" gap={2}>
        {error !== undefined && <Failure title="The dashboards cannot be listed" error={error} />}
        {!loaded && !error && <LoadingPlaceholder text="Loading dashboards" />}
        {loaded?.length === 0 && <EmptyState variant="not-found" message="No dashboards are provisioned" />}
        <div>
          {loaded?.map((hit) => (
            <Card key={hit.uid} href={hit.url}>
              <Card.Heading>{hit.title}</Card.Heading>
              <Card.Meta>{hit.folderTitle || 'General'}</Card.Meta>
              <Card.Tags>
                <TagList tags={hit.tags} />
              </Card.Tags>
            </Card>
          ))}
        </div>
        <Text element="h2" variant="h4">
          Apps and data sources
        </Text>
        <div>
          {Object.values(config.apps).map(({ id }) => (
            <AppCard key={id} meta={config.apps[id] as unknown as AppPluginMeta} />
          ))}
          {getDataSourceSrv()
            .getList()
            .map((settings) => (
              <DataSourceCard key={settings.uid} settings={settings} />
            ))}
        </div>
      </Stack>
    </Page>
  );
}

function DataSourceCard({ settings }: { settings: DataSourceInstanceSettings }) {
  const { uid, name, meta, isDefault } = settings;
  return (
    <Card href={`/connections/datasources/edit/${encodeURIComponent(uid)}`}>
      <Card.Heading>{name}</Card.Heading>
      <Logo meta={meta} />
      <Card.Meta>{[meta.name, isDefault ? 'default' : '']}</Card.Meta>
    </Card>
  );
}

function AppCard({ meta }: { meta: AppPluginMeta }) {
  return (
    <Card href={`/a/${encodeURIComponent(meta.id)}`}>
      <Card.Heading>{meta.name}</Card.Heading>
      <Logo meta={meta} />
      <Card.Meta>App</Card.Meta>
    </Card>
  );
}

function Logo({ meta }: { meta: PluginMeta }) {
  const logo = meta.info?.logos?.small;
  return logo ? (
    <Card.Figure>
      <img src={logo} alt="" width={40} height={40} />
    </Card.Figure>
  ) : null;
}
