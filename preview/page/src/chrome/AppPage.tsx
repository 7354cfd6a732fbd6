import { type AppPlugin, type AppPluginMeta } from '@grafana/data';
import { config, getBackendSrv, locationService } from '@grafana/runtime';
import { EmptyState, LoadingPlaceholder } from '@grafana/ui';
import { useParams } from 'react-router-dom';

import { importPlugin } from '../runtime/plugins';
import { Page } from './Page';
import { Failure, useLoaded } from './useLoaded';

async function load(id: string) {
  const meta = await getBackendSrv().get<AppPluginMeta>(`/api/plugins/${encodeURIComponent(id)}/settings`);
  return { meta, plugin: await importPlugin<AppPlugin>(meta.module) };
}

const noNavigation = () => undefined;

/** The page of an app plugin. */
export function AppPage() {
  const { id = '' } = useParams();
  const { loaded, error } = useLoaded(load, id);
  const Root = loaded?.plugin.root;
  return (
    <Page title={loaded?.meta.name ?? config.apps[id]?.id ?? 'App'}>
      {error !== undefined && <Failure title="The app cannot be shown" error={error} />}
      {!loaded && !error && <LoadingPlaceholder text="Loading the app" />}
      {loaded && !Root && <EmptyState variant="not-found" message="The app brings no page" />}
      {loaded && Root && (
        <Root
          meta={loaded.meta}
          basename={`/a/${id}`}
          path={locationService.getLocation().pathname}
          query={locationService.getSearchObject()}
          onNavChanged={noNavigation}
        />
      )}
    </Page>
  );
}
