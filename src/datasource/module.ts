import { DataSourcePlugin } from '@grafana/data';

import { ConfigEditor } from './config/ConfigEditor';
import { HubbleDataSource } from './datasource';
import { QueryEditor } from './editor/QueryEditor';
import { QueryHelp } from './help/QueryHelp';
import type { HubbleQuery } from './query/model';
import type { HubbleSecrets, HubbleSettings } from './types';

export const plugin = new DataSourcePlugin<HubbleDataSource, HubbleQuery, HubbleSettings, HubbleSecrets>(
  HubbleDataSource
)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor)
  .setQueryEditorHelp(QueryHelp);
