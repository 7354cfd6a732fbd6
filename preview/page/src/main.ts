// Grafana's libraries read `window.grafanaBootData` on import, so it is set before the page is imported.
const root = document.getElementById('root');

try {
  const response = await fetch('/api/frontend/settings');
  if (!response.ok) {
    throw new Error(`the host answered ${response.status} for its settings`);
  }
  const user = {
    id: 1,
    uid: 'admin',
    login: 'admin',
    name: 'admin',
    email: 'admin@localhost',
    isSignedIn: true,
    isGrafanaAdmin: true,
    orgId: 1,
    orgCount: 1,
    orgName: 'Main Org.',
    orgRole: 'Admin',
    permissions: { 'datasources:explore': true, 'datasources:read': true, 'datasources:write': true },
    theme: 'dark',
    lightTheme: false,
    timezone: 'browser',
    weekStart: '',
    language: 'en-US',
    regionalFormat: 'en-US',
  };
  const settings = await response.json();
  const bootData = { user, settings, navTree: [], assets: { light: '', dark: '' } };
  Object.assign(window, { grafanaBootData: bootData });
  const { show } = await import('./page');
  show(root!);
} catch (error) {
  root!.textContent = `The preview cannot start: ${error instanceof Error ? error.message : String(error)}`;
}

export {};
