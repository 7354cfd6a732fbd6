import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dropsPath, exploredQuery, panel, scrollToPanel, visit } from './browser.mjs';

test('a row of the drops leads to the flows behind it', async () => {
  await visit('drill-down-row', dropsPath, async (page) => {
    const table = await scrollToPanel(page, 'Drops by source, destination and reason');
    const link = table.locator('a[href*="/explore"]').first();
    await link.waitFor();
    await link.click();
    await page.waitForURL(/\/explore/);

    const { query, range } = exploredQuery(page.url());
    assert.equal(query.queryType, 'flows');
    assert.deepEqual(query.filter.verdict, ['DROPPED']);
    assert.match(query.filter.toPod[0] || query.filter.fromPod[0], /^pets\//);
    assert.match(query.filter.dropReasonDesc[0], /^[A-Z_]+$/);
    assert.ok(Number(range.to) - Number(range.from) === 30 * 60_000, JSON.stringify(range));

    await page.getByTestId('flows-panel row').first().waitFor();
    const verdicts = await page.getByTestId('flows-panel cell verdict').allInnerTexts();
    assert.deepEqual([...new Set(verdicts)], ['DROPPED']);
  });
});

test('one click on the spike opens the flows behind it', async () => {
  await visit('drill-down-point', dropsPath, async (page) => {
    const chart = panel(page, 'Incoming drops by reason').locator('.u-over');
    await chart.waitFor();
    const box = await chart.boundingBox();
    assert.ok(box);
    // The scenario began ten of thirty minutes ago: five sixths to the right the line is up.
    // The tooltip has the link where the cursor is near the line: look for it from top to bottom.
    const x = box.x + (box.width * 5) / 6;
    const link = page.getByText('Show the flows behind this').first();
    let y = box.y + 4;
    await page.mouse.move(x - 3, y);
    for (; y < box.y + box.height && !(await link.isVisible()); y += 6) {
      await page.mouse.move(x, y);
      await page.waitForTimeout(100);
    }
    assert.ok(await link.isVisible(), 'the tooltip of the line has a link');
    await page.mouse.down();
    await page.mouse.up();
    await page.waitForURL(/\/explore/);

    const { query } = exploredQuery(page.url());
    assert.deepEqual(query.filter, {
      verdict: ['DROPPED'],
      toNamespace: ['pets'],
      toWorkload: ['store-front'],
      // Any pod, as the variable has it.
      toPod: ['.*'],
      trafficDirection: ['INGRESS'],
      dropReasonDesc: ['POLICY_DENIED'],
    });
    await page.getByTestId('flows-panel row').first().waitFor();
    const reasons = await page.getByTestId('flows-panel cell dropReason').allInnerTexts();
    assert.deepEqual([...new Set(reasons)], ['POLICY_DENIED']);
  });
});
