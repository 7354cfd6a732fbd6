import {
  matchPluginId,
  type DataSourceApi,
  type DataSourceInstanceSettings,
  type DataSourceRef,
  type ScopedVars,
} from '@grafana/data';
import {
  config,
  type DataSourceSrv,
  type GetDataSourceListFilters,
  type RuntimeDataSourceRegistration,
} from '@grafana/runtime';

import { importDataSourcePlugin } from './plugins';
import { templateSrv } from './templateSrv';

const running = new Map<string, Promise<DataSourceApi>>();
/** Data sources of the page itself, such as those of scenes. */
const runtime = new Map<string, DataSourceApi>();

function list(): DataSourceInstanceSettings[] {
  return Object.values(config.datasources);
}

function byNameOrUid(name: string): DataSourceInstanceSettings | undefined {
  const inPage = runtime.get(name);
  if (inPage) {
    return (inPage as DataSourceApi & { instanceSettings: DataSourceInstanceSettings }).instanceSettings;
  }
  if (name === '' || name === 'default') {
    return config.datasources[config.defaultDatasource] ?? list()[0];
  }
  return list().find((settings) => settings.uid === name || settings.name === name);
}

function getInstanceSettings(
  ref?: DataSourceRef | string | null,
  scopedVars?: ScopedVars
): DataSourceInstanceSettings | undefined {
  const asked = typeof ref === 'string' ? ref : (ref?.uid ?? (ref?.type ? firstOfType(ref.type) : ''));
  const name = templateSrv.replace(asked, scopedVars);
  const found = byNameOrUid(name);
  // A reference by variable keeps its name, so that saved queries follow the variable.
  return found && asked !== name
    ? { ...found, isDefault: false, name: asked, uid: asked, rawRef: { type: found.type, uid: found.uid } }
    : found;
}

function firstOfType(type: string): string {
  return list().find((settings) => settings.type === type)?.uid ?? type;
}

async function load(settings: DataSourceInstanceSettings): Promise<DataSourceApi> {
  const plugin = await importDataSourcePlugin(settings.meta);
  const instance = new plugin.DataSourceClass(settings);
  instance.components = plugin.components;
  instance.meta = settings.meta;
  return instance;
}

function get(ref?: DataSourceRef | string | null, scopedVars?: ScopedVars): Promise<DataSourceApi> {
  const settings = getInstanceSettings(ref, scopedVars);
  if (!settings) {
    const asked = typeof ref === 'string' ? ref : (ref?.uid ?? ref?.type ?? '');
    return Promise.reject(new Error(`Data source ${templateSrv.replace(asked, scopedVars)} was not found`));
  }
  const uid = settings.rawRef?.uid ?? settings.uid;
  const inPage = runtime.get(uid);
  if (inPage) {
    return Promise.resolve(inPage);
  }
  let instance = running.get(uid);
  if (!instance) {
    instance = load(byNameOrUid(uid) ?? settings);
    instance.catch(() => running.delete(uid));
    running.set(uid, instance);
  }
  return instance;
}

function getList(filters: GetDataSourceListFilters = {}): DataSourceInstanceSettings[] {
  const kinds = ['metrics', 'tracing', 'logs', 'annotations', 'alerting'] as const;
  return list()
    .filter((settings) => filters.all || kinds.every((kind) => !filters[kind] || settings.meta[kind]))
    .filter((settings) => !filters.pluginId || matchPluginId(filters.pluginId, settings.meta))
    .filter((settings) => !filters.type || [filters.type].flat().includes(settings.type))
    .filter((settings) => filters.filter?.(settings) ?? true)
    .sort((a, b) => a.name.localeCompare(b.name));
}

/** Grafana's DataSourceSrv on the frontend settings. */
export const dataSourceSrv: DataSourceSrv = {
  get,
  getList,
  getInstanceSettings,
  reload: () => running.clear(),
  registerRuntimeDataSource: ({ dataSource }: RuntimeDataSourceRegistration) => {
    runtime.set(dataSource.uid, dataSource);
  },
};

/** Replaces a data source by its saved settings. */
export function replaceDataSource(saved: Pick<DataSourceInstanceSettings, 'uid' | 'name' | 'url' | 'jsonData'>) {
  const known = list().find((settings) => settings.uid === saved.uid);
  if (known) {
    delete config.datasources[known.name];
    config.datasources[saved.name] = { ...known, name: saved.name, jsonData: saved.jsonData };
    running.delete(saved.uid);
  }
}
