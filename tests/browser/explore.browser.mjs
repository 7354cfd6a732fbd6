import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { explorePath, flowsAreJudged, patience, visit } from './browser.mjs';

const packed = { queryType: 'flows', format: 'packed', filter: { namespace: ['pets'] }, limit: 500 };

test('column widths and selected columns are kept', async () => {
  await visit('explore-columns', explorePath(packed), async (page) => {
    const header = page.getByTestId('flows-panel header source');
    const width = async () => Math.round((await header.boundingBox())?.width ?? 0);
    await flowsAreJudged(page);
    const before = await width();
    await page.getByTestId('flows-panel resize source').hover();
    await page.mouse.down();
    const edge = await header.boundingBox();
    assert.ok(edge);
    const x = edge.x + edge.width;
    const y = edge.y + edge.height / 2;
    await page.mouse.move(x, y);
    await page.mouse.move(x + 90, y, { steps: 5 });
    await page.mouse.up();
    for (const end = Date.now() + patience; Math.abs((await width()) - before - 90) > 2 && Date.now() < end;) {
      await page.waitForTimeout(50);
    }
    const dragged = await width();
    assert.ok(Math.abs(dragged - before - 90) <= 2, `${before} became ${dragged}`);

    await page.getByTestId('flows-panel columns').click();
    await page.getByRole('dialog').getByText('Node', { exact: true }).click();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByTestId('flows-panel header node').waitFor();

    await page.reload();
    await flowsAreJudged(page);
    assert.equal(await width(), dragged);
    await page.getByTestId('flows-panel header node').waitFor();
  });
});

test('a pinned column stays in sight, a dragged one moves, and both are kept', async () => {
  await visit('explore-pinned', explorePath(packed), async (page) => {
    await flowsAreJudged(page);
    const header = (/** @type {string} */ column) => page.getByTestId(`flows-panel header ${column}`);
    const left = async (/** @type {import('playwright-core').Locator} */ element) =>
      Math.round((await element.boundingBox())?.x ?? -1);
    await header('verdict').focus();
    await page.keyboard.press('p');
    const cell = page.getByTestId('flows-panel cell verdict').first();
    const pinnedAt = await left(cell);
    assert.ok(pinnedAt < (await left(header('time'))), 'a pinned column is the first');
    await page.getByTestId('flows-panel grid').evaluate((grid) => (grid.style.width = '500px'));
    await page.getByTestId('flows-panel grid').evaluate((grid) => (grid.scrollLeft = 300));
    await page.waitForTimeout(100);
    assert.equal(await left(cell), pinnedAt);
    assert.equal(await left(header('verdict')), pinnedAt);
    await page.getByTestId('flows-panel grid').evaluate((grid) => (grid.style.width = ''));

    const from = await header('source').boundingBox();
    const to = await header('destination').boundingBox();
    assert.ok(from && to && from.x < to.x);
    await page.mouse.move(from.x + 20, from.y + 10);
    await page.mouse.down();
    await page.mouse.move(to.x + to.width - 10, to.y + 10, { steps: 5 });
    await page.mouse.up();
    await page.waitForFunction(() => {
      const at = (/** @type {string} */ column) =>
        document.querySelector(`[data-testid="flows-panel header ${column}"]`)?.getBoundingClientRect().x ?? 0;
      return at('destination') < at('source');
    });
    await page.reload();
    await flowsAreJudged(page);
    assert.ok((await left(header('destination'))) < (await left(header('source'))));
    assert.equal(await left(header('verdict')), pinnedAt);
  });
});

test('a click on a cell filters the query of its pane; the records of a packet are one row', async () => {
  await visit('explore-filter', explorePath(packed), async (page) => {
    await flowsAreJudged(page);
    const parts = page.getByTestId('flows-panel row').filter({ hasText: '×' });
    await parts.first().getByTestId('flows-panel expand').click();
    await page.locator('[data-testid="flows-panel row"][aria-level="2"]').first().waitFor();

    await page.getByTestId('flows-panel filter').fill('DROPPED');
    await page
      .getByTestId('flows-panel cell verdict')
      .filter({ hasNotText: 'DROPPED' })
      .first()
      .waitFor({ state: 'detached' });
    await page.getByTestId('flows-panel cell verdict').first().hover();
    await page.getByTestId('flows-panel filter-for').click();
    await page.waitForURL((url) => /adhocFilters.*verdict.*DROPPED/.test(decodeURIComponent(url.search)));
    await page.getByTestId('flows-panel filter').fill('');
    await page.waitForFunction(() => !document.querySelector('[data-testid="flows-panel verdict FORWARDED"]'));
    const verdicts = new Set(await page.getByTestId('flows-panel cell verdict').allInnerTexts());
    assert.deepEqual([...verdicts], ['DROPPED']);
  });
});

test('the shown rows download as CSV, with the type of each record', async () => {
  await visit('explore-download', explorePath(packed), async (page) => {
    await flowsAreJudged(page);
    await page.getByTestId('flows-panel verdict DROPPED').click();
    await page.getByTestId('flows-panel download').click();
    const download = page.waitForEvent('download');
    await page.getByTestId('flows-panel download csv').click();
    const file = await download;
    assert.match(file.suggestedFilename(), /^hubble-flows-\d{8}T\d{6}Z-\d{8}T\d{6}Z\.csv$/);
    const [titles = '', ...rows] = (await readFile(await file.path(), 'utf8')).trim().split('\r\n');
    const type = titles.split(',').indexOf('Type');
    assert.ok(type > 0, titles);
    assert.ok(rows.length > 0);
    assert.ok(
      rows.every((row) => row.split(',')[1] === 'DROPPED'),
      rows[0]
    );
    const types = new Set(rows.map((row) => row.split(',')[type]));
    assert.ok(types.has('drop') && types.has('policy-verdict'), [...types].join());
  });
});

test('a forgotten range shows its times, and a link to the last minutes', async () => {
  await visit('explore-forgotten', explorePath(packed, { from: 'now-30d', to: 'now-29d' }), async (page) => {
    const empty = page.getByTestId('flows-panel empty');
    await empty.waitFor();
    assert.match(await empty.innerText(), /This range ended at .*; Hubble’s memory begins at /);
    await empty.getByRole('button', { name: /last 5 minutes/ }).click();
    await page.getByTestId('flows-panel row').first().waitFor();
  });
});
