import assert from 'node:assert/strict';
import { test } from 'node:test';

import { dropsPath, explorePath, flowsAreJudged, panel, screenshot, visit } from './browser.mjs';

/**
 * Opens the first flow from the world to the story's workload. Rows change their text in place, so the click waits for
 * the filter.
 *
 * @param {import('playwright-core').Page} page
 */
async function openRefusedFlow(page) {
  const flows = panel(page, 'Dropped flows');
  await flowsAreJudged(flows);
  await flows.getByTestId('flows-panel filter').fill('store-front');
  const others = flows.getByTestId('flows-panel row').filter({ hasNotText: 'store-front' });
  await others.first().waitFor({ state: 'detached' });
  // The workload's own flows to the world are refused as well, and any of them may be the newest.
  const source = page.getByTestId('flows-panel cell source').filter({ hasText: '(world)' });
  await flows.getByTestId('flows-panel row').filter({ has: source }).first().click();
  return flows;
}

test('the flows panel decodes packed flows with the Wasm module', async () => {
  await visit('flows-panel', dropsPath, async (page) => {
    const flows = panel(page, 'Dropped flows');
    const rows = flows.getByTestId('flows-panel row');
    await rows.first().waitFor();
    // The whole engine, since the answer says that there are policies; not the decoder beside it.
    await flows.getByTestId('flows-panel agreement agrees').waitFor();
    const modules = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .map((entry) => entry.name)
        .filter((name) => name.endsWith('.wasm'))
    );
    assert.equal(modules.length, 1, `one Wasm module is fetched, once: ${modules.join()}`);
    for (const address of modules) {
      const module = await page.request.get(address);
      assert.equal(module.status(), 200);
      assert.match(module.headers()['content-type'] ?? '', /application\/wasm/);
    }

    const reasons = await flows.getByTestId('flows-panel cell dropReason').allInnerTexts();
    assert.ok(reasons.length >= 5, `${reasons.length} rows are in sight`);
    assert.ok(reasons.includes('POLICY_DENIED'), reasons.join());
    await flows.getByTestId('flows-panel verdict DROPPED').waitFor();
    assert.equal(await flows.getByTestId('flows-panel verdict FORWARDED').count(), 0);
    const destinations = await flows.getByTestId('flows-panel cell destination').allInnerTexts();
    assert.ok(
      destinations.some((destination) => destination.includes('store-front')),
      `the story's workload is among ${destinations.slice(0, 5)}`
    );
  });
});

test('a row opens every field of its flow, and the keyboard closes it', async () => {
  await visit('flow-detail', dropsPath, async (page) => {
    const flows = panel(page, 'Dropped flows');
    await flowsAreJudged(flows);
    await flows.getByTestId('flows-panel row').first().click();
    const detail = page.getByTestId('flows-panel detail');
    await detail.waitFor();
    const fields = detail.getByTestId('flows-panel detail-field');
    await fields.first().waitFor();
    const all = await fields.count();
    assert.ok(all >= 15, `${all} fields`);
    const text = (await fields.allInnerTexts()).join('\n');
    for (const name of ['verdict', 'node_name', 'uuid', 'drop_reason_desc', 'identity']) {
      assert.ok(text.includes(name), `\`${name}\` is missing in\n${text}`);
    }

    await detail.getByTestId('flows-panel detail-filter').fill('identity');
    await page.waitForFunction(
      ([testId, before]) => document.querySelectorAll(`[data-testid="${testId}"]`).length < Number(before),
      ['flows-panel detail-field', String(all)]
    );
    assert.ok((await fields.count()) >= 1);
    await screenshot(page, 'flow-detail-filtered');

    await page.keyboard.press('Escape');
    await detail.waitFor({ state: 'detached' });
  });
});

test('the drawer names the policy, rule and line that decided, and quotes it', async () => {
  await visit('flow-policies', dropsPath, async (page) => {
    await openRefusedFlow(page);
    const policies = page.getByTestId('flows-panel policies');
    const sentence = policies.getByTestId('flows-panel policy-sentence');
    await sentence.waitFor();
    assert.match(await sentence.innerText(), /agrees\s*Observed: .*Computed: denied on ingress by default/);
    assert.match(await sentence.innerText(), /CiliumNetworkPolicy\/pets\/allow-store-front-traffic/);
    const rules = await policies.getByTestId('flows-panel policy-rule').allInnerTexts();
    const miss = rules.find((rule) => rule.includes('ingress[0]')) ?? '';
    assert.match(miss, /allow-store-front-traffic\.yaml, line \d+/, rules.join());
    assert.match(miss, /fromEndpoints: \[\]/, rules.join());
    // The drawer slides into the window.
    await page.waitForFunction((testId) => {
      const box = document.querySelector(`[data-testid="${testId}"]`)?.getBoundingClientRect();
      return box !== undefined && box.left >= 0 && box.right <= window.innerWidth;
    }, 'flows-panel policies');
  });
});

test('a denied flow has a smallest fix, and the policies are checked', async () => {
  await visit('flow-fix', dropsPath, async (page) => {
    const flows = await openRefusedFlow(page);
    await page.getByTestId('flows-panel ask-fix').click();
    const fix = page.getByTestId('flows-panel fix');
    await fix.getByTestId('flows-panel also-allowed').waitFor();
    assert.match(await fix.innerText(), /fromEndpoints|fromEntities|fromCIDR/);
    await screenshot(page, 'flow-fix-found');
    await page.keyboard.press('Escape');
    await fix.waitFor({ state: 'detached' });

    await flows.getByTestId('flows-panel open-check').click();
    const check = page.getByTestId('flows-panel check');
    await check.getByTestId('flows-panel finding').first().waitFor();
    assert.match(await check.innerText(), /allow-store-front-traffic/);
    await screenshot(page, 'policies-checked');
  });
});

test('search narrows the rows, and a message shows where no row matches', async () => {
  await visit('flows-filter', dropsPath, async (page) => {
    const flows = panel(page, 'Dropped flows');
    await flows.getByTestId('flows-panel row').first().waitFor();
    await flows.getByTestId('flows-panel filter').fill('no flow has this text');
    await flows.getByTestId('flows-panel empty').waitFor();
    assert.equal(await flows.getByTestId('flows-panel row').count(), 0);
  });
});

test('Explore draws packed flows in the flows panel', async () => {
  const query = { queryType: 'flows', format: 'packed', filter: { namespace: ['pets'] }, limit: 500 };
  await visit('explore-packed', explorePath(query), async (page) => {
    await page.getByTestId('flows-panel row').first().waitFor();
    const verdicts = new Set(await page.getByTestId('flows-panel cell verdict').allInnerTexts());
    assert.ok(verdicts.has('FORWARDED'), [...verdicts].join());
  });
});
