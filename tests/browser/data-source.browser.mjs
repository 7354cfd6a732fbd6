import assert from 'node:assert/strict';
import { test } from 'node:test';

import { explorePath, relayAddress, screenshot, visit } from './browser.mjs';

const settingsPath = '/connections/datasources/edit/hubble';

/**
 * Sets the relay's address, saves, and returns the result of the health check.
 *
 * @param {import('playwright-core').Page} page
 * @param {string} address
 */
async function saveAndTest(page, address) {
  await page.getByTestId('hubble config address').fill(address);
  await page.getByRole('button', { name: /save & test/i }).click();
  const alert = page.getByTestId('data-testid Alert error').or(page.getByTestId('data-testid Alert success')).first();
  await alert.waitFor();
  return {
    text: await alert.innerText(),
    healthy: (await alert.getAttribute('data-testid')) === 'data-testid Alert success',
  };
}

test('Save & test reports the nodes and Prometheus', async () => {
  await visit('config-healthy', settingsPath, async (page) => {
    const { text, healthy } = await saveAndTest(page, relayAddress);
    assert.ok(healthy, text);
    assert.match(text, /3 (of|\/) 3/, 'the nodes');
    assert.match(text, /Prometheus/i);
  });
});

test('a wrong address shows an error with a remedy', async () => {
  // A failed health check answers 400, which the browser logs.
  await visit(
    'config-wrong-address',
    settingsPath,
    async (page) => {
      try {
        const { text, healthy } = await saveAndTest(page, '127.0.0.1:1');
        assert.ok(!healthy, text);
        assert.match(text, /127\.0\.0\.1:1/);
        assert.match(text, /refused/i);
        await screenshot(page, 'config-wrong-address-refused');
      } finally {
        // The other tests need the data source unchanged.
        await page.reload();
        await saveAndTest(page, relayAddress);
      }
    },
    [/status of 400/]
  );
});

test('Explore runs a flows query built by hand', async () => {
  await visit(
    'explore-editor',
    explorePath({ queryType: 'flows', format: 'packed', filter: {}, limit: 200 }),
    async (page) => {
      const editor = page.getByTestId('hubble query-editor');
      await editor.waitFor();
      await page.getByTestId('flows-panel row').first().waitFor();

      await page.getByTestId('hubble add-filter').getByRole('combobox').click();
      await page.getByRole('option', { name: /^Verdict/ }).click();
      const values = page.getByTestId('hubble filter-values verdict');
      await values.click();
      await page.getByRole('option', { name: 'DROPPED' }).click();
      await page.keyboard.press('Escape');
      await page.getByTestId('hubble run-query').click();
      await page.waitForFunction(() => {
        const cells = [...document.querySelectorAll('[data-testid="flows-panel cell verdict"]')];
        return cells.length > 0 && cells.every((cell) => cell.textContent === 'DROPPED');
      });
    }
  );
});

test('Explore runs PromQL on the same source', async () => {
  const expr = 'sum by (reason) (rate(hubble_drop_total[$__rate_interval]))';
  await visit(
    'explore-promql',
    explorePath({ queryType: 'promql', expr, range: true, instant: false }),
    async (page) => {
      await page.getByText('POLICY_DENIED').first().waitFor();
    }
  );
});

test('an expression that Prometheus refuses shows its error', async () => {
  await visit(
    'explore-bad-promql',
    explorePath({ queryType: 'promql', expr: 'sum by (reason) (rate(hubble_drop_total[5m])', range: true }),
    async (page) => {
      await page
        .getByText(/parse error|unclosed/i)
        .first()
        .waitFor();
    },
    [/status of 400/]
  );
});
