// A Viewer, and a second organisation: people for whom Explore or the first organisation is closed.
import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { test } from 'node:test';

import { clickTheSpike, dropsPath, relayAddress, scrollToPanel, visit } from '../browser.mjs';
import { api, person } from './api.mjs';

const dashboards = new URL('../../../dashboards/json/', import.meta.url);

test('a Viewer’s click on a spike shows the flows', async () => {
  const viewer = await person('viewer', 'Viewer');
  await visit(
    'grafana-viewer',
    dropsPath,
    async (page) => {
      await clickTheSpike(page);
      assert.match(page.url(), /k8snet-flow-logs/);
      // The five minutes around the point, which lies ten to five minutes back.
      await page.waitForFunction(() => new URL(location.href).searchParams.has('from'));
      const [from = NaN, to = NaN] = ['from', 'to'].map((name) =>
        Date.parse(new URL(page.url()).searchParams.get(name) ?? '')
      );
      assert.equal(to - from, 5 * 60_000);
      assert.ok(to < Date.now() - 60_000, new Date(to).toISOString());
      await scrollToPanel(page, 'Flows');
      await page.getByTestId('flows-panel row').first().waitFor();
      const verdicts = await page.getByTestId('flows-panel cell verdict').allInnerTexts();
      assert.deepEqual([...new Set(verdicts)], ['DROPPED']);
    },
    [],
    viewer
  );
});

test('a link stays in the second organisation', async () => {
  const orgs = await api('GET', '/api/orgs');
  const found = orgs.find((/** @type {{ name: string }} */ { name }) => name === 'Second');
  const second = found ? found.id : (await api('POST', '/api/orgs', { name: 'Second' })).orgId;
  const prometheusUrl = process.env.PROMETHEUS_URL ?? 'http://127.0.0.1:9090';
  // An earlier run may have left it, with the addresses of its own servers.
  const sources = await api('GET', '/api/datasources', undefined, second);
  if (sources.some((/** @type {{ uid: string }} */ { uid }) => uid === 'hubble-second')) {
    await api('DELETE', '/api/datasources/uid/hubble-second', undefined, second);
  }
  await api(
    'POST',
    '/api/datasources',
    {
      name: 'Hubble of the second',
      uid: 'hubble-second',
      type: 'k8snet-hubble-datasource',
      access: 'proxy',
      isDefault: true,
      url: relayAddress,
      jsonData: { prometheusUrl, prometheusAuth: 'none', timeInterval: '15s' },
    },
    second
  );
  for (const name of await readdir(dashboards)) {
    const dashboard = JSON.parse(await readFile(new URL(name, dashboards), 'utf8'));
    await api('POST', '/api/dashboards/db', { dashboard: { ...dashboard, id: null }, overwrite: true }, second);
  }
  const editor = await person('editor-of-the-second', 'Editor', second);
  await visit(
    'grafana-second-organisation',
    dropsPath,
    async (page) => {
      await clickTheSpike(page);
      await scrollToPanel(page, 'Flows');
      await page.getByTestId('flows-panel row').first().waitFor();
      // No link names an organisation; Grafana adds the person's own.
      const org = new URL(page.url()).searchParams.get('orgId');
      assert.ok(org === null || org === String(second), page.url());
    },
    // Grafana 12.4 asks for feature flags of an organisation that anonymous people are not in.
    [/ofrep/, /OpenFeature/],
    editor
  );
});
