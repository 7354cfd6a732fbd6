import { DataSourcePlugin } from '@grafana/data';

import { lazyComponent } from '../lazyComponent';
import { HubbleDataSource } from './datasource';
import type { HubbleQuery } from './query/model';
import { text } from './text';
import type { HubbleSecrets, HubbleSettings } from './types';

// Every dashboard with a query of this source loads this module; few of its users open an editor.
const ConfigEditor = lazyComponent(
  () => import('./config/ConfigEditor').then(({ ConfigEditor }) => ConfigEditor),
  text.lazy.settings
);
const QueryEditor = lazyComponent(
  () => import('./editor/QueryEditor').then(({ QueryEditor }) => QueryEditor),
  text.lazy.editor
);
const QueryHelp = lazyComponent(() => import('./help/QueryHelp').then(({ QueryHelp }) => QueryHelp), text.lazy.help);

export const plugin = new DataSourcePlugin<HubbleDataSource, HubbleQuery, HubbleSettings, HubbleSecrets>(
  HubbleDataSource
)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor)
  .setQueryEditorHelp(QueryHelp);
