import type { DataSourceSettings } from '@grafana/data';

import type { HubbleSecrets, HubbleSettings, SecretName } from '../types';

type Options = DataSourceSettings<HubbleSettings, HubbleSecrets>;

/** The settings as they are being edited. Secrets can be set and taken back, never read. */
export class Settings {
  constructor(
    private readonly options: Options,
    private readonly change: (options: Options) => void
  ) {}

  get address(): string {
    return this.options.url;
  }

  get plain(): HubbleSettings {
    return this.options.jsonData;
  }

  get readOnly(): boolean {
    return this.options.readOnly ?? false;
  }

  setAddress(url: string): void {
    this.change({ ...this.options, url });
  }

  set(settings: Partial<HubbleSettings>): void {
    this.change({ ...this.options, jsonData: { ...this.options.jsonData, ...settings } });
  }

  /** Whether the backend holds the secret. */
  holds(name: SecretName): boolean {
    return this.options.secureJsonFields?.[name] ?? false;
  }

  /** What was typed since; what is stored never comes here. */
  typed(name: SecretName): string {
    return this.options.secureJsonData?.[name] ?? '';
  }

  setSecret(name: SecretName, value: string): void {
    this.change({ ...this.options, secureJsonData: { ...this.options.secureJsonData, [name]: value } });
  }

  resetSecret(name: SecretName): void {
    this.change({
      ...this.options,
      secureJsonFields: { ...this.options.secureJsonFields, [name]: false },
      secureJsonData: { ...this.options.secureJsonData, [name]: '' },
    });
  }
}

/** Whether the relay is reached by TLS: by the switch, or by the address. */
export function usesTls({ address, plain }: Pick<Settings, 'address' | 'plain'>): boolean {
  return plain.tls === true || address.trim().toLowerCase().startsWith('tls://');
}

/** The whole number of seconds that a text stands for, if it is one. */
export function secondsOf(text: string): number | undefined {
  const seconds = Number(text.trim());
  return Number.isInteger(seconds) && seconds >= 1 ? seconds : undefined;
}

/** Whether a text is a duration as Prometheus writes them. */
export function isDuration(text: string): boolean {
  return /^(\d+(ms|[smhdwy]))+$/.test(text.trim());
}
