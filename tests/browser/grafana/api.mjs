// Grafana's HTTP API, as its first administrator.
import assert from 'node:assert/strict';

import { grafanaUrl } from '../browser.mjs';

/** @param {string} login */
export function basicAuth(login) {
  return `Basic ${Buffer.from(`${login}:${login}`).toString('base64')}`;
}

/**
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {number} [org] the organisation; the first one by default
 */
export async function api(method, path, body, org = 1) {
  const answer = await fetch(new URL(path, grafanaUrl), {
    method,
    headers: {
      Authorization: basicAuth('admin'),
      'Content-Type': 'application/json',
      'X-Grafana-Org-Id': String(org),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  // The object may exist from an earlier run.
  assert.ok(answer.ok || answer.status === 409 || answer.status === 412, `${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

/**
 * A browser context of a new user with `role` in one organisation only.
 *
 * @param {string} login also the password
 * @param {'Viewer' | 'Editor' | 'Admin'} role
 * @param {number} org
 * @returns {Promise<import('playwright-core').BrowserContextOptions>} its options
 */
export async function person(login, role, org = 1) {
  await api('POST', '/api/admin/users', { name: login, login, password: login, OrgId: org });
  const { id } = await api('GET', `/api/users/lookup?loginOrEmail=${login}`);
  await api('PATCH', `/api/orgs/${org}/users/${id}`, { role });
  return { extraHTTPHeaders: { Authorization: basicAuth(login) } };
}

/**
 * Saves a dashboard of one panel, changed by `more`.
 *
 * @param {string} uid
 * @param {Record<string, unknown>} more
 * @param {number} [org]
 */
export async function dashboard(uid, more, org = 1) {
  await api('POST', '/api/dashboards/db', { dashboard: { uid, title: uid, ...more }, overwrite: true }, org);
}
