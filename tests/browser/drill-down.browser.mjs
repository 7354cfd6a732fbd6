import assert from 'node:assert/strict';
import { test } from 'node:test';

import { clickTheSpike, dropsPath, scrollToPanel, visit } from './browser.mjs';

/**
 * The filters in a URL of Flow Logs, and the length of its absolute time range in milliseconds.
 *
 * @param {string} address
 */
function chosen(address) {
  const params = new URL(address).searchParams;
  const time = (/** @type {string} */ name) => {
    const text = params.get(name) ?? '';
    return /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  };
  return { filters: params.getAll('var-filters'), length: time('to') - time('from') };
}

test('a row of the drops leads to the flows behind it', async () => {
  await visit('drill-down-row', dropsPath, async (page) => {
    const table = await scrollToPanel(page, 'Drops by source, destination and reason');
    const link = table.locator('a[href*="/d/k8snet-flow-logs"]').first();
    await link.waitFor();
    await link.click();
    await page.waitForURL(/\/d\/k8snet-flow-logs/);

    const { filters, length } = chosen(page.url());
    assert.ok(filters.includes('verdict|=|DROPPED'), String(filters));
    assert.ok(
      filters.some((filter) => /^(toPod|fromPod)\|=\|pets\//.test(filter)),
      String(filters)
    );
    assert.ok(
      filters.some((filter) => /^dropReasonDesc\|=\|[A-Z_]+$/.test(filter)),
      String(filters)
    );
    assert.equal(length, 30 * 60_000);

    await scrollToPanel(page, 'Flows');
    await page.getByTestId('flows-panel row').first().waitFor();
    const verdicts = await page.getByTestId('flows-panel cell verdict').allInnerTexts();
    assert.deepEqual([...new Set(verdicts)], ['DROPPED']);
  });
});

test('one click on the spike opens the flows behind it', async () => {
  await visit('drill-down-point', dropsPath, async (page) => {
    await clickTheSpike(page);
    await page.waitForURL(/\/d\/k8snet-flow-logs/);

    const { filters } = chosen(page.url());
    for (const filter of [
      'verdict|=|DROPPED',
      'toNamespace|=__gfp__|pets',
      'toWorkload|=__gfp__|store-front',
      'trafficDirection|=|INGRESS',
      'dropReasonDesc|=|POLICY_DENIED',
      // A denied packet has a second record, which the metric does not count.
      'type|!=|policy-verdict',
    ]) {
      assert.ok(filters.includes(filter), `${filter} in ${filters}`);
    }
    // The minutes around the point, as absolute times. Before the link is applied, the URL may still have
    // the dashboard's own `now-5m`.
    await page.waitForURL((url) => !(url.searchParams.get('from') ?? 'now').startsWith('now'));
    assert.equal(chosen(page.url()).length, 5 * 60_000);
    await scrollToPanel(page, 'Flows');
    await page.getByTestId('flows-panel row').first().waitFor();
    const reasons = await page.getByTestId('flows-panel cell dropReason').allInnerTexts();
    assert.deepEqual([...new Set(reasons)], ['POLICY_DENIED']);
  });
});

test('conditions of "All" and of missing labels leave no pills', async () => {
  const conditions = ['cluster|=__gfp__|.*', 'verdict|=|DROPPED', 'fromPod|=|'];
  const search = new URLSearchParams(conditions.map((condition) => ['var-filters', condition]));
  await visit('drill-down-all', `/d/k8snet-flow-logs?from=now-5m&to=now&${search}`, async (page) => {
    await page.waitForURL((url) => url.searchParams.getAll('var-filters').join() === 'verdict|=|DROPPED');
    await scrollToPanel(page, 'Flows');
    await page.getByTestId('flows-panel row').first().waitFor();
    for (const key of ['cluster', 'fromPod']) {
      assert.equal(await page.getByText(key, { exact: true }).count(), 0, key);
    }
    const verdicts = await page.getByTestId('flows-panel cell verdict').allInnerTexts();
    assert.deepEqual([...new Set(verdicts)], ['DROPPED']);
  });
});
