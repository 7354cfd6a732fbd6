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

  /** The numbers of the custom headers, in order. */
  headers(): number[] {
    return Object.entries(this.plain)
      .filter(([, name]) => name !== undefined)
      .flatMap(([key]) => /^httpHeaderName(\d+)$/.exec(key)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  addHeader(): void {
    this.set({ [`httpHeaderName${Math.max(0, ...this.headers()) + 1}`]: '' });
  }

  /** Takes a header away. The value that is stored of it goes when the settings are saved. */
  removeHeader(number: number): void {
    const { [`httpHeaderName${number}` as const]: _name, ...jsonData } = this.plain;
    const secret = `httpHeaderValue${number}` as const;
    this.change({
      ...this.options,
      jsonData,
      secureJsonFields: { ...this.options.secureJsonFields, [secret]: false },
      secureJsonData: { ...this.options.secureJsonData, [secret]: '' },
    });
  }
}

/** The backend's own bound. */
export const maxTimeoutSecs = 600;

/** Whether the relay is reached by TLS: by the switch, or by the address. */
export function usesTls({ address, plain }: Pick<Settings, 'address' | 'plain'>): boolean {
  return plain.tls === true || address.trim().toLowerCase().startsWith('tls://');
}

/** The whole number that a text stands for, if it is one within the bounds. */
export function wholeNumberOf(text: string, min: number, max: number): number | undefined {
  const number = Number(text.trim());
  return text.trim() !== '' && Number.isInteger(number) && number >= min && number <= max ? number : undefined;
}

/** Whether a text is a duration as Prometheus writes them. */
export function isDuration(text: string): boolean {
  return /^(\d+(ms|[smhdwy]))+$/.test(text.trim());
}

/** Whether a text is of the form `name=value&other=value`. */
export function isQueryString(text: string): boolean {
  const pairs = text
    .trim()
    .replace(/^[?&]+/, '')
    .split('&');
  return pairs.every((pair) => /^[^=\s]+=\S*$/.test(pair));
}

/** Whether a text may be the name of an HTTP header. */
export function isHeaderName(text: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(text.trim());
}
