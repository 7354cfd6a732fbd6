import { PanelPlugin, type SelectFieldConfigSettings } from '@grafana/data';

import { lazyComponent } from '../lazyComponent';
import { defaultOptions, type FlowsPanelOptions } from './options';
import { columns } from './table/columns';
import { text } from './text';

// Grafana loads this module for every list of panels; the table and the decoder load when a panel is drawn.
const FlowsPanel = lazyComponent(() => import('./FlowsPanel').then(({ FlowsPanel }) => FlowsPanel), {
  loading: text.states.starting,
  failed: text.states.notLoaded,
});

export const plugin = new PanelPlugin<FlowsPanelOptions>(FlowsPanel).setPanelOptions((builder) =>
  builder
    .addMultiSelect<unknown, SelectFieldConfigSettings<unknown>>({
      path: 'columns',
      name: text.options.columns,
      description: text.options.columnsDescription,
      defaultValue: defaultOptions.columns,
      settings: { options: columns.map(({ id, title }) => ({ value: id, label: title })) },
    })
    .addRadio({
      path: 'timeColumnZone',
      name: text.options.timeZone,
      defaultValue: defaultOptions.timeColumnZone,
      settings: {
        options: [
          { value: 'dashboard', label: text.options.timeZones.dashboard },
          { value: 'browser', label: text.options.timeZones.browser },
          { value: 'utc', label: text.options.timeZones.utc },
        ],
      },
    })
    .addTextInput({
      path: 'policiesNamespace',
      name: text.options.policiesNamespace,
      description: text.options.policiesNamespaceDescription,
    })
    .addRadio({
      path: 'density',
      name: text.options.density,
      defaultValue: defaultOptions.density,
      settings: {
        options: [
          { value: 'compact', label: text.options.densities.compact },
          { value: 'normal', label: text.options.densities.normal },
          { value: 'comfortable', label: text.options.densities.comfortable },
        ],
      },
    })
);
