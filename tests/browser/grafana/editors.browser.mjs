// Grafana's own editors with the data source. They exist only in a real Grafana.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { explorePath, patience, screenshot, visit } from '../browser.mjs';
import { dashboard } from './api.mjs';

const datasource = { type: 'k8snet-hubble-datasource', uid: 'hubble' };

/**
 * The number of queries sent within `ms`.
 *
 * @param {import('playwright-core').Page} page
 * @param {number} ms
 */
async function queriesWithin(page, ms) {
  let queries = 0;
  /** @param {import('playwright-core').Request} request */
  const count = (request) => {
    queries += request.url().includes('/api/ds/query') ? 1 : 0;
  };
  page.on('request', count);
  await page.waitForTimeout(ms);
  page.off('request', count);
  return queries;
}

/**
 * Waits for five seconds without a query. That nothing happens has no signal, so only time can show it; whatever asks
 * again and again never leaves five seconds free.
 *
 * @param {import('playwright-core').Page} page
 */
async function comesToRest(page) {
  for (const end = Date.now() + patience; (await queriesWithin(page, 5_000)) > 0;) {
    assert.ok(Date.now() < end, 'nothing was changed, so nothing is asked again');
  }
}

for (const [name, target] of [
  ['of drops', { queryType: 'flowAnnotations', refId: 'Anno', filter: { verdict: ['DROPPED'] } }],
  ['that is new', undefined],
]) {
  test(`the editor of an annotation ${name} stops sending queries`, async () => {
    const uid = target ? 'annotation-drops' : 'annotation-new';
    await dashboard(uid, {
      annotations: { list: [{ name: 'Marks', enable: true, iconColor: 'red', datasource, target }] },
    });
    await visit(`grafana-${uid}`, `/d/${uid}?editview=annotations&from=now-30m&to=now`, async (page) => {
      await page.getByText('Marks').first().click();
      await page.getByTestId('hubble query-editor').or(page.getByText('Field mappings')).first().waitFor();
      await comesToRest(page);
    });
  });
}

test('an alert rule can be made from a panel of flow metrics', async () => {
  const target = {
    refId: 'A',
    datasource,
    queryType: 'flowMetrics',
    metric: 'rate',
    format: 'top',
    groupBy: ['verdict'],
    filter: {},
  };
  const gridPos = { x: 0, y: 0, w: 24, h: 10 };
  await dashboard('alert-from-panel', {
    panels: [{ id: 1, type: 'barchart', title: 'Flows by verdict', gridPos, datasource, targets: [target] }],
  });
  await visit('grafana-alert', '/d/alert-from-panel?from=now-5m&to=now', async (page) => {
    await page.getByTestId('data-testid Panel header Flows by verdict').hover();
    await page.getByTestId('data-testid Panel menu Flows by verdict').click();
    await page.getByText('More...').hover();
    await page.getByText('New alert rule').click();
    await page.waitForURL(/\/alerting\/new/);
    const preview = page.getByTestId('data-testid alert-rule preview-button');
    await preview.waitFor();
    const answer = page.waitForResponse((response) => response.url().includes('/api/v1/eval'));
    await preview.click();
    const evaluated = await (await answer).json();
    for (const [refId, result] of Object.entries(evaluated.results ?? {})) {
      assert.equal(result.error, undefined, refId);
    }
    assert.ok(evaluated.results?.A?.frames?.length > 0, 'there are values');
    await screenshot(page, 'grafana-alert-preview');
  });
});

test('a ranking in Explore shows the names of its groups', async () => {
  const query = { queryType: 'flowMetrics', metric: 'count', format: 'top', groupBy: ['verdict'], filter: {} };
  await visit('grafana-ranking', explorePath(query), async (page) => {
    await page
      .getByRole('columnheader', { name: /verdict/i })
      .first()
      .waitFor();
    await page.getByText('FORWARDED', { exact: true }).first().waitFor();
  });
});

test('an instant expression in Explore is one table', async () => {
  const query = { queryType: 'promql', expr: 'up', instant: true, range: false };
  await visit('grafana-instant', explorePath(query), async (page) => {
    await page
      .getByRole('columnheader', { name: /instance/i })
      .first()
      .waitFor();
    assert.equal(await page.getByRole('columnheader', { name: /instance/i }).count(), 1);
  });
});
