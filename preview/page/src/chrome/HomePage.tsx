import { config, getBackendSrv, getDataSourceSrv } from '@grafana/runtime';
import { LoadingPlaceholder, Text, TextLink } from '@grafana/ui';

import { Page } from './Page';
import { Failure, useLoaded } from './useLoaded';

interface Link {
  title: string;
  url: string;
}

const search = () => getBackendSrv().get<Link[]>('/api/search');

/** The start page: links to dashboards, apps and data sources. */
export function HomePage() {
  const { loaded, error } = useLoaded(search, 'dashboards');
  const apps = Object.values(config.apps).map(({ id }) => ({ title: id, url: `/a/${encodeURIComponent(id)}` }));
  const sources = getDataSourceSrv()
    .getList()
    .map(({ name, uid }) => ({ title: name, url: `/connections/datasources/edit/${encodeURIComponent(uid)}` }));
  return (
    <Page title="Home">
      {error !== undefined && <Failure title="The list of dashboards could not be loaded" error={error} />}
      {!loaded && !error && <LoadingPlaceholder text="Loading dashboards" />}
      <Links title="Dashboards" links={loaded ?? []} />
      <Links title="Apps and data sources" links={[...apps, ...sources]} />
    </Page>
  );
}

function Links({ title, links }: { title: string; links: Link[] }) {
  return (
    <section>
      <Text element="h2" variant="h4">
        {title}
      </Text>
      <ul>
        {links.map((link) => (
          <li key={link.url}>
            <TextLink href={link.url}>{link.title}</TextLink>
          </li>
        ))}
      </ul>
    </section>
  );
}
