// The three registries that Grafana fills at its start. The preview has no panel editor, so only the
// processors of the options matter.
import {
  booleanOverrideProcessor,
  dataLinksOverrideProcessor,
  displayNameOverrideProcessor,
  FieldConfigProperty,
  identityOverrideProcessor,
  numberOverrideProcessor,
  standardEditorsRegistry,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  stringOverrideProcessor,
  thresholdsOverrideProcessor,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
  type FieldConfigPropertyItem,
} from '@grafana/data';

const noEditor = () => null;

const processors: Record<FieldConfigProperty, FieldConfigPropertyItem['process']> = {
  [FieldConfigProperty.Unit]: unitOverrideProcessor as FieldConfigPropertyItem['process'],
  [FieldConfigProperty.Min]: numberOverrideProcessor,
  [FieldConfigProperty.Max]: numberOverrideProcessor,
  [FieldConfigProperty.FieldMinMax]: booleanOverrideProcessor as FieldConfigPropertyItem['process'],
  [FieldConfigProperty.Decimals]: numberOverrideProcessor,
  [FieldConfigProperty.DisplayName]: displayNameOverrideProcessor as FieldConfigPropertyItem['process'],
  [FieldConfigProperty.NoValue]: stringOverrideProcessor as FieldConfigPropertyItem['process'],
  [FieldConfigProperty.Thresholds]: thresholdsOverrideProcessor as FieldConfigPropertyItem['process'],
  [FieldConfigProperty.Mappings]: valueMappingsOverrideProcessor as FieldConfigPropertyItem['process'],
  [FieldConfigProperty.Links]: dataLinksOverrideProcessor as FieldConfigPropertyItem['process'],
  [FieldConfigProperty.Actions]: identityOverrideProcessor,
  [FieldConfigProperty.Color]: identityOverrideProcessor,
  [FieldConfigProperty.Filterable]: booleanOverrideProcessor as FieldConfigPropertyItem['process'],
};

/** The editors that the option builders of @grafana/data look up by name. */
const editors = [
  'actions',
  'boolean',
  'color',
  'dashboard-uid',
  'fieldColor',
  'field-name',
  'links',
  'mappings',
  'multi-select',
  'number',
  'radio',
  'select',
  'slider',
  'stats-picker',
  'strings',
  'text',
  'thresholds',
  'timezone',
  'unit',
];

export function fillRegistries() {
  standardFieldConfigEditorRegistry.setInit(() =>
    Object.entries(processors).map(([id, process]) => ({
      id,
      path: id,
      name: id,
      process,
      editor: noEditor,
      override: noEditor,
      shouldApply: () => true,
      // Without a color mode all series are gray.
      defaultValue: id === FieldConfigProperty.Color ? { mode: 'palette-classic' } : undefined,
    }))
  );
  standardEditorsRegistry.setInit(() => editors.map((id) => ({ id, name: id, editor: noEditor })));
  // One transformer is listed under two keys.
  const transformers = new Map(Object.values(standardTransformers).map((each) => [each.id, each]));
  standardTransformersRegistry.setInit(() =>
    [...transformers.values()].map((transformation) => ({
      id: transformation.id,
      name: transformation.name,
      transformation,
      editor: noEditor,
      imageDark: '',
      imageLight: '',
    }))
  );
}
