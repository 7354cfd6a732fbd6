import type { DataSourceSettings } from '@grafana/data';

import type { HubbleSecrets, HubbleSettings } from '../types';
import { isDuration, isHeaderName, isQueryString, Settings, usesTls, wholeNumberOf } from './settings';

type Options = DataSourceSettings<HubbleSettings, HubbleSecrets>;

function edited(options: Partial<Options>, edit: (settings: Settings) => void): Options {
  let current = { url: '', jsonData: {}, secureJsonFields: {}, ...options } as Options;
  edit(new Settings(current, (changed) => (current = changed)));
  return current;
}

test('a change keeps the other settings', () => {
  const options = edited({ jsonData: { tls: true } }, (settings) => settings.set({ serverName: 'relay' }));
  expect(options.jsonData).toEqual({ tls: true, serverName: 'relay' });
});

test('a secret can be set and reset', () => {
  const set = edited({}, (settings) => settings.setSecret('tlsClientKey', 'KEY'));
  expect(set.secureJsonData).toEqual({ tlsClientKey: 'KEY' });
  const reset = edited({ secureJsonFields: { tlsClientKey: true, tlsCACert: true } }, (settings) =>
    settings.resetSecret('tlsClientKey')
  );
  expect(reset.secureJsonFields).toEqual({ tlsClientKey: false, tlsCACert: true });
  expect(reset.secureJsonData).toEqual({ tlsClientKey: '' });
});

test('a stored secret is marked, without its value', () => {
  const settings = new Settings({ secureJsonFields: { prometheusToken: true } } as unknown as Options, () => undefined);
  expect(settings.holds('prometheusToken')).toBe(true);
  expect(settings.typed('prometheusToken')).toBe('');
});

test.each([
  ['relay:4245', undefined, false],
  ['relay:4245', true, true],
  [' TLS://relay:443', undefined, true],
  ['tls://relay:443', false, true],
])('%s with the switch %s uses TLS: %s', (address, tls, expected) => {
  expect(usesTls({ address, plain: { tls } })).toBe(expected);
});

test.each([
  ['5', 5],
  ['0', undefined],
  ['1.5', undefined],
  ['', undefined],
  ['600', 600],
  ['601', undefined],
])('%j is the number %s', (text, expected) => {
  expect(wholeNumberOf(text, 1, 600)).toBe(expected);
});

test.each([
  ['15s', true],
  ['1m30s', true],
  ['500ms', true],
  ['15', false],
  ['s', false],
  ['', false],
])('%j is a duration: %s', (text, expected) => {
  expect(isDuration(text)).toBe(expected);
});

test.each([
  ['a=b', true],
  ['?a=b&c=d%26e', true],
  ['a=', true],
  ['a', false],
  ['=b', false],
  ['a=b c', false],
])('%j are parameters: %s', (text, expected) => {
  expect(isQueryString(text)).toBe(expected);
});

test.each([
  ['X-Scope-OrgID', true],
  ['X Tenant', false],
  ['X:Y', false],
  ['', false],
])('%j is a header: %s', (text, expected) => {
  expect(isHeaderName(text)).toBe(expected);
});
