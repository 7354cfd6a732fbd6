import { getBackendSrv } from '@grafana/runtime';
import { UrlSyncContextProvider } from '@grafana/scenes';
import { LoadingPlaceholder } from '@grafana/ui';
import { useParams } from 'react-router-dom';

import { Page } from '../chrome/Page';
import { Failure, useLoaded } from '../chrome/useLoaded';
import { type Dashboard } from './model';
import { dashboardScene, type ShownDashboard } from './scene';

interface LoadedDashboard extends ShownDashboard {
  title: string;
}

async function load(uid: string): Promise<LoadedDashboard> {
  const path = `/api/dashboards/uid/${encodeURIComponent(uid)}`;
  const { dashboard } = await getBackendSrv().get<{ dashboard: Dashboard }>(path);
  return { title: dashboard.title, ...dashboardScene(dashboard) };
}

export function DashboardPage() {
  const { uid = '' } = useParams();
  const { loaded, error } = useLoaded(load, uid);
  if (error) {
    return (
      <Page title="Dashboard">
        <Failure title="The dashboard cannot be shown" error={error} />
      </Page>
    );
  }
  if (!loaded) {
    return (
      <Page title="Dashboard">
        <LoadingPlaceholder text="Loading the dashboard" />
      </Page>
    );
  }
  const { scene, title, leftOut } = loaded;
  return (
    <Page title={title} note={leftOut.length ? `not shown here: ${leftOut.join(', ')}` : undefined}>
      <UrlSyncContextProvider key={uid} scene={scene} updateUrlOnInit createBrowserHistorySteps>
        <scene.Component model={scene} />
      </UrlSyncContextProvider>
    </Page>
  );
}
