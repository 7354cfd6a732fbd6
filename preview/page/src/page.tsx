import { ThemeContext } from '@grafana/data';
import { config, locationService, LocationServiceProvider } from '@grafana/runtime';
import { EmptyState, ErrorBoundaryAlert, GlobalStyles, ModalRoot, ModalsProvider, PortalContainer } from '@grafana/ui';
import { createRoot } from 'react-dom/client';
import { Route, Routes } from 'react-router-dom';

import { AppPage } from './chrome/AppPage';
import { DataSourcePage } from './chrome/DataSourcePage';
import { HomePage } from './chrome/HomePage';
import { Page } from './chrome/Page';
import { Router } from './chrome/Router';
import { Toasts } from './chrome/Toasts';
import { DashboardPage } from './dashboard/DashboardPage';
import { ExplorePage } from './explore/ExplorePage';
import { setServices } from './runtime';

function NotFound() {
  return (
    <Page title="Not found">
      <EmptyState variant="not-found" message="The preview has no such page; Grafana may" />
    </Page>
  );
}

function Preview() {
  return (
    <ThemeContext.Provider value={config.theme2}>
      <GlobalStyles />
      <ErrorBoundaryAlert>
        <LocationServiceProvider service={locationService}>
          <Router>
            <ModalsProvider>
              <Routes>
                <Route path="/" element={<HomePage />} />
                <Route path="/dashboards" element={<HomePage />} />
                <Route path="/d/:uid" element={<DashboardPage />} />
                <Route path="/d/:uid/:slug" element={<DashboardPage />} />
                <Route path="/explore" element={<ExplorePage />} />
                <Route path="/connections/datasources" element={<HomePage />} />
                <Route path="/connections/datasources/edit/:uid" element={<DataSourcePage />} />
                <Route path="/a/:id/*" element={<AppPage />} />
                <Route path="*" element={<NotFound />} />
              </Routes>
              <ModalRoot />
            </ModalsProvider>
            <Toasts />
          </Router>
        </LocationServiceProvider>
      </ErrorBoundaryAlert>
      <PortalContainer />
    </ThemeContext.Provider>
  );
}

/** Shows the page. `window.grafanaBootData` must be set. */
export function show(root: HTMLElement) {
  setServices();
  createRoot(root).render(<Preview />);
}
