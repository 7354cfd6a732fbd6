// Every dashboard: its panels have data on the demo, and it opens without console errors. Links to flows are tested in
// drill-down.browser.mjs.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

import { grafanaUrl, panel, scrollToPanel, visit } from './browser.mjs';

/**
 * @typedef {{ refId: string; filter?: Record<string, string[]> }} Target
 * @typedef {{ id: number; title: string; targets: Target[] }} Panel
 * @typedef {{ error?: string; frames?: Array<{ data?: { values?: unknown[][] } }> }} Answer
 */

/**
 * @param {string} why
 * @param {string[]} titles
 */
const because = (why, titles) => Object.fromEntries(titles.map((title) => [title, why]));

/** Panels without data on the demo, whose metrics are those of Azure's ACNS, by reason. */
const nothingToShow = {
  ...because('ACNS does not export policy, icmp and flows-to-world', [
    'Policy Verdicts by Action',
    'Policy Verdicts by Match',
    'Outgoing Policy Verdicts by Action',
    'Incoming Policy Verdicts by Action',
    'Outgoing Policy Verdicts by Action and Match',
    'Incoming Policy Verdicts by Action and Match',
    'ICMP Echo Requests and Replies',
    'Outgoing Flows to the World by Verdict',
  ]),
  ...because('only Retina counts sockets and interfaces', [
    'TCP Active Connections by State',
    'TCP Active Connections by Remote Addr',
    'UDP Connections',
    'TCP Connection Timeouts',
    'TCP Connection Resets',
    'TCP Connection Reorders',
    'RX Packets by Interface',
    'TX Packets by Interface',
    'Rx Cache Full error',
    'Tx No Op Errors',
    'Dropped Rx Packets',
    'Dropped Tx Packets',
    'Rx Comp Full Errors',
    'Tx Send Full Errors',
  ]),
  ...because('the demo has no Windows nodes', [
    'Windows TCP Packets',
    'Windows TCP RST Packets',
    'Windows TCP SYN-ACK Packets',
  ]),
};

/** Every dashboard, with its first panel. */
const dashboards = [
  { name: 'clusters', panel: 'Current Traffic by Cluster' },
  { name: 'dns-cluster', panel: 'DNS Requests' },
  { name: 'dns-workload', panel: 'DNS Requests' },
  { name: 'drops-workload', panel: 'Incoming Drops' },
  { name: 'flow-logs', panel: 'Flows' },
  { name: 'l7-namespace', panel: 'Outgoing Dropped Requests' },
  { name: 'l7-workload', panel: 'Outgoing Dropped Requests' },
  { name: 'pod-flows-namespace', panel: 'Top Namespaces with Incoming Drops' },
  { name: 'pod-flows-workload', panel: 'Pods with Incoming Drops' },
];

/**
 * The panels of a dashboard with every variable at "All".
 *
 * @param {string} name
 * @returns {Promise<Panel[]>}
 */
async function panelsOf(name) {
  const text = await readFile(new URL(`../../dashboards/json/${name}.json`, import.meta.url), 'utf8');
  const { panels, templating } = JSON.parse(text);
  const names = templating.list.map((/** @type {{ name: string }} */ variable) => variable.name).join('|');
  const variables = new RegExp(`\\$(?:(${names})\\b|\\{(${names})\\})`, 'g');
  const resolved = JSON.stringify(panels).replaceAll(variables, (_, plain, braced) =>
    (plain ?? braced) === 'datasource' ? 'hubble' : '.*'
  );
  return JSON.parse(resolved).filter((/** @type {Panel} */ panel) => panel.targets);
}

/**
 * The answers to all queries of a dashboard, from Grafana's server.
 *
 * @param {Panel[]} panels
 * @returns {Promise<Record<string, Answer>>}
 */
async function ask(panels) {
  const queries = panels.flatMap((panel) =>
    panel.targets.map((target) => ({
      ...target,
      refId: `${panel.id}-${target.refId}`,
      intervalMs: 15_000,
      maxDataPoints: 600,
    }))
  );
  const response = await fetch(new URL('/api/ds/query', grafanaUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ queries, from: 'now-1h', to: 'now' }),
  });
  return (await response.json()).results;
}

/**
 * Whether any frame has a value.
 *
 * @param {Answer | undefined} result
 */
const hasData = (result) =>
  (result?.frames ?? []).some((frame) =>
    (frame.data?.values ?? []).some((values) => values.some((value) => value !== null))
  );

for (const { name } of dashboards) {
  test(`${name}: every panel shows data`, async () => {
    const panels = await panelsOf(name);
    const results = await ask(panels);
    /** @type {string[]} */
    const empty = [];
    /** @type {string[]} */
    const shown = [];
    for (const panel of panels) {
      const answers = panel.targets.map((target) => results[`${panel.id}-${target.refId}`]);
      for (const answer of answers) {
        assert.equal(answer?.error, undefined, `${panel.title}: ${answer?.error}`);
      }
      const isExcused = panel.title in nothingToShow;
      if (answers.some(hasData) === isExcused) {
        (isExcused ? shown : empty).push(panel.title);
      }
    }
    assert.deepEqual(empty, [], 'panels without data');
    assert.deepEqual(shown, [], 'panels with data that are listed as without');
  });
}

for (const { name, panel: title } of dashboards) {
  test(`${name}: opens without console errors`, async () => {
    const path = `/d/k8snet-${name}?from=now-30m&to=now&var-cluster=aks-pets&var-namespace=pets`;
    await visit(`dashboard-${name}`, path, async (page) => {
      await panel(page, title).waitFor();
    });
  });
}

test('flow-logs: panels show verdicts, pairs and endpoints', async () => {
  await visit('dashboard-flow-logs-content', '/d/k8snet-flow-logs', async (page) => {
    await panel(page, 'Flows').waitFor();
    await page.getByTestId('flows-panel row').first().waitFor();
    assert.ok((await page.getByTestId('flows-panel row').count()) > 5);

    const verdicts = await scrollToPanel(page, 'Egress flows by verdict');
    await verdicts.getByText('FORWARDED').first().waitFor();
    await verdicts.locator('.u-over').waitFor();

    const pairs = await scrollToPanel(page, 'Top drop pairs');
    await pairs.getByText('store-front').first().waitFor();
    const text = await pairs.innerText();
    assert.match(text, /world → pets\/store-front-\S+, POLICY_DENIED/);
    assert.doesNotMatch(text, /fromPod|[{}]/, 'bars carry names, not labels');

    const blocked = await scrollToPanel(page, 'External endpoints blocked');
    await blocked
      .getByText(/\d+\.\d+\.\d+\.\d+:443/)
      .first()
      .waitFor();
  });
});

test('l7-workload: values for each workload, and zero without refusals', async () => {
  const path = '/d/k8snet-l7-workload?from=now-30m&to=now&var-namespace=pets';
  await visit('dashboard-l7-workload-cells', path, async (page) => {
    const errors = await scrollToPanel(page, 'Outgoing HTTP 4xx, Top Source Workloads');
    await errors.locator('.u-over').waitFor();
    const refused = await scrollToPanel(page, 'Incoming Dropped HTTP Requests, Top Destination Pods');
    await refused.locator('.u-over').waitFor();
  });
});
