import { EventBusSrv, locationUtil, type GrafanaConfig } from '@grafana/data';
import {
  config,
  FakeEchoSrv,
  locationService,
  setAppEvents,
  setBackendSrv,
  setDataSourceSrv,
  setEchoSrv,
  setGrafanaLiveSrv,
  setLocationSrv,
  setPluginComponentHook,
  setPluginComponentsHook,
  setPluginFunctionsHook,
  setPluginImportUtils,
  setPluginLinksHook,
  setReturnToPreviousHook,
  setRunRequest,
  setTemplateSrv,
} from '@grafana/runtime';
import { EMPTY, of, throwError } from 'rxjs';

import { backendSrv } from './backendSrv';
import { dataSourceSrv } from './dataSourceSrv';
import { getPanelPluginFromCache, importPanelPlugin, shareModules } from './plugins';
import { fillRegistries } from './registries';
import { runRequest } from './runRequest';
import { templateSrv } from './templateSrv';

const noLive = () => new Error('the preview does not serve Live; Grafana does');

/** Registers the preview's services with Grafana's libraries. */
export function setServices() {
  fillRegistries();
  shareModules();
  setEchoSrv(new FakeEchoSrv());
  setAppEvents(new EventBusSrv());
  setBackendSrv(backendSrv);
  setDataSourceSrv(dataSourceSrv);
  setTemplateSrv(templateSrv);
  setLocationSrv(locationService);
  setRunRequest(runRequest);
  setPluginImportUtils({ importPanelPlugin, getPanelPluginFromCache });
  setPluginLinksHook(() => ({ links: [], isLoading: false }));
  setPluginComponentsHook(() => ({ components: [], isLoading: false }));
  setPluginComponentHook(() => ({ component: null, isLoading: false }));
  setPluginFunctionsHook(() => ({ functions: [], isLoading: false }));
  setReturnToPreviousHook(() => () => undefined);
  Object.assign(window, {
    MonacoEnvironment: { getWorker: () => new Worker('/public/build/monaco.js', { type: 'module' }) },
  });
  setGrafanaLiveSrv({
    getConnectionState: () => of(false),
    getStream: () => EMPTY,
    getDataStream: () => throwError(noLive),
    getPresence: () => Promise.reject(noLive()),
    publish: () => Promise.reject(noLive()),
  });
  locationUtil.initialize({
    config: config as unknown as GrafanaConfig,
    // Links of a panel get both from macros of scenes.
    getTimeRangeForUrl: () => ({ from: 'now-1h', to: 'now' }),
    getVariablesUrlParams: () => ({}),
  });
}
