// A real Chromium against a running Grafana or preview. The URLs come from the environment;
// `cargo xtask test` sets them. `GRAFANA_URL=http://localhost:3000 node --test tests/browser/*.browser.mjs`
// runs the same against a demo.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

export const grafanaUrl = process.env.GRAFANA_URL ?? 'http://127.0.0.1:3000';
export const relayAddress = process.env.RELAY_ADDRESS ?? '127.0.0.1:4245';

/** The folder of the screenshots. */
const results = fileURLToPath(new URL('../results/', import.meta.url));

/** Time limit for anything to show, in milliseconds. A cold page of the preview loads megabytes of script. */
export const patience = 60_000;

/** Messages of Grafana or the browser that do not come from the plugin. */
const notOurs = [
  /favicon/i,
  /Download the React DevTools/i,
  /was preloaded using link preload/i,
  // Without access to Grafana's catalogue.
  /\/api\/gnet\//,
  /Failed to fetch plugins from catalog/,
];

/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
});

after(async () => {
  await browser?.close();
});

/**
 * Opens `path`, runs `story`, takes a screenshot, and fails on any error in the browser's console.
 *
 * @param {string} name of the screenshot
 * @param {string} path
 * @param {(page: import('playwright-core').Page) => Promise<void>} story
 * @param {RegExp[]} [expected] console errors that belong to the story
 * @param {import('playwright-core').BrowserContextOptions} [options] user and window
 */
export async function visit(name, path, story, expected = [], options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1600, height: 1000 },
    colorScheme: 'dark',
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  /** @type {string[]} */
  const complaints = [];
  page.on('console', (message) => {
    const said = `${message.text()} (${message.location().url})`;
    if (message.type() === 'error' && ![...notOurs, ...expected].some((pattern) => pattern.test(said))) {
      complaints.push(said);
    }
  });
  page.on('pageerror', (error) => complaints.push(`uncaught: ${error.stack ?? error.message}`));
  try {
    await page.goto(new URL(path, grafanaUrl).href);
    await story(page);
    assert.deepEqual(complaints, [], 'the browser’s console');
  } finally {
    await screenshot(page, name);
    await context.close();
  }
}

/**
 * @param {import('playwright-core').Page} page
 * @param {string} name
 */
export async function screenshot(page, name) {
  await mkdir(results, { recursive: true });
  await page.screenshot({ path: `${results}${name}.png` });
}

/** The URL of the demo's dashboard for its story's workload. */
export const dropsPath =
  '/d/k8snet-drops-workload/drops-workload?from=now-30m&to=now&var-cluster=aks-pets&var-namespace=pets&var-workload=store-front';

/**
 * The frame around a panel, by its title.
 *
 * @param {import('playwright-core').Page} page
 * @param {string} title
 */
export function panel(page, title) {
  return page.locator(`section[data-testid="data-testid Panel header ${title}"]`);
}

/**
 * Scrolls down until the panel is visible: panels are drawn only then.
 *
 * @param {import('playwright-core').Page} page
 * @param {string} title
 */
export async function scrollToPanel(page, title) {
  const found = panel(page, title);
  await page.mouse.move(400, 700);
  for (const end = Date.now() + patience; (await found.count()) === 0 && Date.now() < end;) {
    await page.mouse.wheel(0, 400);
    await page.waitForTimeout(200);
  }
  await found.scrollIntoViewIfNeeded();
  return found;
}

/**
 * Waits until the flows have verdicts by the policies. The columns and toggles of these appear after the rows and move
 * the parts beside and below them.
 *
 * @param {import('playwright-core').Page | import('playwright-core').Locator} place
 */
export async function flowsAreJudged(place) {
  await place.getByTestId('flows-panel row').first().waitFor();
  await place
    .getByTestId(/^flows-panel agreement /)
    .first()
    .waitFor();
}

/**
 * Clicks the line of *Incoming drops by reason* during the demo's drops, and waits for the next page. The drops began in
 * the last third of the time range, so five sixths to the right the line is high. The tooltip has the link where the
 * cursor is near the line: the test tries from top to bottom, again if the chart was slow.
 *
 * @param {import('playwright-core').Page} page
 */
export async function clickTheSpike(page) {
  const chart = panel(page, 'Incoming drops by reason').locator('.u-over');
  await chart.waitFor();
  const box = await chart.boundingBox();
  assert.ok(box);
  const x = box.x + (box.width * 5) / 6;
  const link = page.getByText(/the flows of the 5 minutes around this/).first();
  await page.mouse.move(x - 3, box.y + 4);
  const hasLeft = () => !new URL(page.url()).pathname.includes('drops-workload');
  let isFound = false;
  // A refresh between the look and the click redraws the chart, which then has no cursor.
  for (const end = Date.now() + patience; !hasLeft() && Date.now() < end;) {
    let isShown = false;
    for (let y = box.y + 4; !isShown && y < box.y + box.height; y += 6) {
      await page.mouse.move(x + (y % 2), y);
      await page.waitForTimeout(100);
      isShown = await link.isVisible();
    }
    if (isShown) {
      isFound = true;
      await page.mouse.down();
      await page.mouse.up();
      for (let wait = 0; !hasLeft() && wait < 30; wait += 1) {
        await page.waitForTimeout(100);
      }
    }
  }
  assert.ok(isFound, 'the tooltip of the line has a link');
  assert.ok(hasLeft(), 'a click on the point leads to its flows');
}

/**
 * The URL of Explore with one query.
 *
 * @param {Record<string, unknown>} query
 * @param {{ from: string, to: string }} range
 */
export function explorePath(query, range = { from: 'now-15m', to: 'now' }) {
  const datasource = { type: 'k8snet-hubble-datasource', uid: 'hubble' };
  const panes = {
    a: {
      datasource: 'hubble',
      queries: [{ refId: 'A', datasource, ...query }],
      range,
    },
  };
  return `/explore?schemaVersion=1&panes=${encodeURIComponent(JSON.stringify(panes))}`;
}
