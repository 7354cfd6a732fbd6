import type { DataSourceSettings } from '@grafana/data';

import type { HubbleSecrets, HubbleSettings, SecretName } from '../types';

type Options = DataSourceSettings<HubbleSettings, HubbleSecrets>;

/** Names of the settings that hold a value of this type. */
export type FieldName<Value> = {
  [Name in keyof HubbleSettings]-?: HubbleSettings[Name] extends Value | undefined ? Name : never;
}[keyof HubbleSettings];

/** Properties of the form field of one setting. */
interface FieldProps<Value> {
  value: Value;
  disabled: boolean;
  onChange(value: Value): void;
}

/**
 * The settings while they are edited. Secrets can be set and reset, never read. A class, since Grafana's
 * `onUpdateDatasourceJsonDataOption` and its kin change one key at a time by an event of an input.
 */
export class Settings {
  private readonly options: Options;

  constructor(
    options: Options,
    private readonly change: (options: Options) => void
  ) {
    this.options = isNew(options) ? { ...options, jsonData: { ...ofNewSources } } : options;
  }

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

  /** The props of a field that edits one setting. */
  field<Name extends keyof HubbleSettings>(name: Name): FieldProps<HubbleSettings[Name]> {
    return {
      value: this.plain[name],
      disabled: this.readOnly,
      onChange: (value) => this.set({ [name]: value } as Partial<HubbleSettings>),
    };
  }

  /** Whether the backend stores the secret. */
  holds(name: SecretName): boolean {
    return this.options.secureJsonFields?.[name] ?? false;
  }

  /** The text typed since; a stored secret never reaches the browser. */
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

  /** The numbers of the custom headers, ascending. */
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

  /** Removes a header. Its stored value is deleted when the settings are saved. */
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

/** Settings of a new data source that differ from those of one in which they are absent. */
const ofNewSources: HubbleSettings = { allowCelExpressions: false };

/** Whether nothing is set yet, as after *Add new data source*. */
function isNew({ url, jsonData, readOnly }: Options): boolean {
  return url === '' && Object.keys(jsonData).length === 0 && readOnly !== true;
}

/** Upper bound, as in the backend. */
export const maxTimeoutSecs = 600;

/** Whether the connection to the relay uses TLS: by the switch, or by a `tls://` address. */
export function usesTls({ address, plain }: Pick<Settings, 'address' | 'plain'>): boolean {
  return plain.tls === true || address.trim().toLowerCase().startsWith('tls://');
}

/** The whole number in a text; undefined outside the bounds. */
export function wholeNumberOf(text: string, min: number, max: number): number | undefined {
  const number = Number(text.trim());
  return text.trim() !== '' && Number.isInteger(number) && number >= min && number <= max ? number : undefined;
}

/** Whether a text is a duration in Prometheus' notation. */
export function isDuration(text: string): boolean {
  return /^(\d+(ms|[smhdwy]))+$/.test(text.trim());
}

/** Whether a text has the form `name=value&other=value`. */
export function isQueryString(text: string): boolean {
  const pairs = text
    .trim()
    .replace(/^[?&]+/, '')
    .split('&');
  return pairs.every((pair) => /^[^=\s]+=\S*$/.test(pair));
}

/** Whether a text is a valid name of an HTTP header. */
export function isHeaderName(text: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(text.trim());
}
