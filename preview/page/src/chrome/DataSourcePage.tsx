import { type DataSourceSettings } from '@grafana/data';
import { getBackendSrv, getDataSourceSrv, HealthCheckError } from '@grafana/runtime';
import { Alert, Button, Field, Input, LinkButton, LoadingPlaceholder, Stack, type AlertVariant } from '@grafana/ui';
import { useState } from 'react';
import { useParams } from 'react-router-dom';

import { replaceDataSource } from '../runtime/dataSourceSrv';
import { importDataSourcePlugin } from '../runtime/plugins';
import { Page } from './Page';
import { Failure, messageOf, useLoaded } from './useLoaded';

const path = (uid: string) => `/api/datasources/uid/${encodeURIComponent(uid)}`;

async function load(uid: string) {
  const settings = await getBackendSrv().get<DataSourceSettings>(path(uid));
  const known = getDataSourceSrv().getInstanceSettings(uid);
  if (!known) {
    throw new Error(`its plugin ${settings.type} is not in the preview`);
  }
  return { settings, plugin: await importDataSourcePlugin(known.meta) };
}

/** The settings page of a data source: the plugin's editor, and *Save & test*. */
export function DataSourcePage() {
  const { uid = '' } = useParams();
  const { loaded, error } = useLoaded(load, uid);
  return (
    <Page title={loaded ? `Data source ${loaded.settings.name}` : 'Data source'}>
      {error !== undefined && <Failure title="The data source cannot be shown" error={error} />}
      {!loaded && !error && <LoadingPlaceholder text="Loading the data source" />}
      {loaded && <Settings key={uid} {...loaded} />}
    </Page>
  );
}

interface Verdict {
  severity: AlertVariant;
  title: string;
  details?: string;
}

type Loaded = Awaited<ReturnType<typeof load>>;

function Settings({ settings: stored, plugin }: Loaded) {
  const [settings, setSettings] = useState(stored);
  const [verdict, setVerdict] = useState<Verdict>();
  const [busy, setBusy] = useState(false);
  const ConfigEditor = plugin.components.ConfigEditor;
  const saveAndTest = async () => {
    setBusy(true);
    setVerdict(undefined);
    try {
      if (!settings.readOnly) {
        const { datasource } = await getBackendSrv().put<{ datasource: DataSourceSettings }>(
          path(settings.uid),
          settings
        );
        setSettings(datasource);
        replaceDataSource(datasource);
      }
      setVerdict(await test(settings.uid));
    } catch (error) {
      setVerdict({ severity: 'error', title: messageOf(error) });
    }
    setBusy(false);
  };
  return (
    <div style={{ maxWidth: 880 }}>
      {settings.readOnly && (
        <Alert severity="info" title="This data source is provisioned">
          It can be tested here, and changed in its file.
        </Alert>
      )}
      <Field label="Name" disabled={settings.readOnly}>
        <Input
          value={settings.name}
          onChange={(event) => setSettings({ ...settings, name: event.currentTarget.value })}
          width={40}
        />
      </Field>
      {ConfigEditor && <ConfigEditor options={settings} onOptionsChange={setSettings} />}
      {verdict && (
        <Alert severity={verdict.severity} title={verdict.title}>
          {verdict.details}
        </Alert>
      )}
      <Stack>
        <Button onClick={saveAndTest} disabled={busy} icon={busy ? 'spinner' : undefined}>
          {settings.readOnly ? 'Test' : 'Save & test'}
        </Button>
        <LinkButton variant="secondary" href={exploreUrl(settings.uid)}>
          Explore
        </LinkButton>
      </Stack>
    </div>
  );
}

function exploreUrl(uid: string): string {
  const panes = { a: { datasource: uid, queries: [], range: { from: 'now-1h', to: 'now' } } };
  return `/explore?schemaVersion=1&panes=${encodeURIComponent(JSON.stringify(panes))}`;
}

async function test(uid: string): Promise<Verdict> {
  try {
    const datasource = await getDataSourceSrv().get(uid);
    const { status, message, details } = await datasource.testDatasource();
    const ok = String(status).toLowerCase();
    return { severity: ok === 'ok' || ok === 'success' ? 'success' : 'error', title: message, ...detailsOf(details) };
  } catch (error) {
    // `DataSourceWithBackend` rejects a failed check with the details in a nested error.
    const cause = (error as { error?: unknown }).error;
    return {
      severity: 'error',
      title: messageOf(error),
      ...detailsOf(cause instanceof HealthCheckError ? cause.details : undefined),
    };
  }
}

function detailsOf(details?: { message?: string; verboseMessage?: string }) {
  return { details: details?.message ?? details?.verboseMessage };
}
