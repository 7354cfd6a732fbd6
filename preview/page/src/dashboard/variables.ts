import {
  AdHocFiltersVariable,
  DataSourceVariable,
  QueryVariable,
  type SceneDataQuery,
  type SceneVariable,
} from '@grafana/scenes';

import { type VariableModel } from './model';

function queryText({ query }: VariableModel): string {
  return typeof query === 'string' ? query : '';
}

/** A classic variable as one of scenes; undefined for a type that the preview does not show. */
export function sceneVariable(model: VariableModel): SceneVariable | undefined {
  const common = {
    name: model.name,
    label: model.label,
    description: model.description,
    hide: model.hide,
    skipUrlSync: model.skipUrlSync,
  };
  const choice = {
    ...common,
    value: model.current?.value ?? '',
    text: model.current?.text ?? '',
    isMulti: model.multi,
    includeAll: model.includeAll,
    allValue: model.allValue ?? undefined,
    defaultToAll: Boolean(model.includeAll),
  };
  switch (model.type) {
    case 'datasource':
      return new DataSourceVariable({
        ...choice,
        pluginId: queryText(model),
        regex: model.regex ?? '',
        defaultOptionEnabled: model.current?.value === 'default',
      });
    case 'adhoc':
      return new AdHocFiltersVariable({
        ...common,
        datasource: typeof model.datasource === 'string' ? { uid: model.datasource } : (model.datasource ?? null),
        filters: [],
        applyMode: 'auto',
        useQueriesAsFilterForOptions: true,
        supportsMultiValueOperators: true,
      });
    case 'query':
      return new QueryVariable({
        ...choice,
        query: (model.query ?? '') as string | SceneDataQuery,
        datasource: typeof model.datasource === 'string' ? { uid: model.datasource } : (model.datasource ?? null),
        regex: model.regex ?? '',
        refresh: model.refresh,
        sort: model.sort,
      });
    default:
      return undefined;
  }
}
