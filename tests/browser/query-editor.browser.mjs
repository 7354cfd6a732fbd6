import assert from 'node:assert/strict';
import { test } from 'node:test';

import { explorePath, visit } from './browser.mjs';

test('a line becomes filters, and filters a line', async () => {
  await visit(
    'query-editor-line',
    explorePath({ queryType: 'flows', format: 'table', limit: 50, text: 'hubble observe -n pets --not --to-port 53' }),
    async (page) => {
      await page.getByTestId('hubble line').waitFor();
      await page.getByRole('radio', { name: 'Builder' }).click();
      await page.getByTestId('hubble filter namespace').waitFor();
      assert.match(await page.getByTestId('hubble filter namespace').innerText(), /pets/);
      assert.match(await page.getByTestId('hubble filter toPort').innerText(), /53/);
      await page.getByRole('radio', { name: 'Code' }).click();
      await page.getByTestId('hubble line').waitFor();
      assert.equal(await page.getByTestId('hubble filter namespace').count(), 0);
    }
  );
});

test('an unknown flag shows an error below the line', async () => {
  await visit(
    'query-editor-wrong-flag',
    explorePath({ queryType: 'flows', format: 'table', limit: 50, text: 'hubble observe --nope' }),
    async (page) => {
      await page.getByTestId('hubble line-problems').getByText('unknown flag `--nope`').waitFor();
      // The line stays: it does not convert into filters.
      await page.getByRole('radio', { name: 'Builder' }).click();
      await page.getByText(/The line has errors/).waitFor();
      assert.equal(await page.getByTestId('hubble line').count(), 1);
    },
    [/status of 400/]
  );
});
