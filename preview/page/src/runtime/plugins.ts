/// <reference types="systemjs" />
import 'systemjs/dist/system.js';
import 'systemjs/dist/extras/amd.js';

import { PanelPlugin, type DataSourcePlugin, type DataSourcePluginMeta, type PanelPluginMeta } from '@grafana/data';
import { config } from '@grafana/runtime';

import { builtInPanels, notDrawn } from '../panels';
import { sharedModules } from './sharedModules';

/** Registers the shared modules under the names that plugins import. */
export function shareModules() {
  const imports: Record<string, string> = {};
  for (const [name, module] of Object.entries(sharedModules)) {
    imports[name] = `shared:${name}`;
    System.set(`shared:${name}`, module);
  }
  System.addImportMap({ imports });
}

export async function importPlugin<T>(module: string): Promise<T> {
  const { plugin } = await System.import(new URL(module, document.baseURI).toString());
  if (!plugin) {
    throw new Error(`${module} exports no plugin`);
  }
  return plugin;
}

export async function importDataSourcePlugin(meta: DataSourcePluginMeta): Promise<DataSourcePlugin<any>> {
  const plugin = await importPlugin<DataSourcePlugin<any>>(meta.module);
  plugin.meta = meta;
  return plugin;
}

const panels = new Map<string, PanelPlugin>();

export async function importPanelPlugin(id: string): Promise<PanelPlugin> {
  const known = panels.get(id);
  if (known) {
    return known;
  }
  const meta: PanelPluginMeta | undefined = config.panels[id];
  const plugin = meta ? await importPlugin<PanelPlugin>(meta.module) : (builtInPanels[id] ?? notDrawn(id));
  plugin.meta = meta ?? ({ id, name: id, info: { version: config.buildInfo.version } } as PanelPluginMeta);
  panels.set(id, plugin);
  return plugin;
}

export const getPanelPluginFromCache = (id: string) => panels.get(id);
