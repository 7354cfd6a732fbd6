import { InlineField, RadioButtonGroup, useStyles2 } from '@grafana/ui';

import type { MapBy, ServiceMapQuery } from '../query/model';
import { testIds } from '../testIds';
import { text } from '../text';
import { optionStyles } from './FlowsEditor';
import { SelectionEditor, type EditorSource } from './SelectionEditor';

interface Props {
  query: ServiceMapQuery;
  onChange(query: ServiceMapQuery): void;
  onRunQuery(): void;
  datasource: EditorSource;
}

/** Who talks to whom. */
export function ServiceMapEditor({ query, onChange, onRunQuery, datasource }: Props) {
  const styles = useStyles2(optionStyles);
  return (
    <>
      <SelectionEditor query={query} onChange={onChange} onRunQuery={onRunQuery} datasource={datasource} />
      <div className={styles.options} data-testid={testIds.mapBy}>
        <InlineField label={text.serviceMap.by} tooltip={text.serviceMap.byHint} className={styles.field}>
          <RadioButtonGroup<MapBy>
            className={styles.choices}
            aria-label={text.serviceMap.by}
            value={query.by ?? 'workload'}
            onChange={(by) => {
              onChange({ ...query, by });
              onRunQuery();
            }}
            options={(['workload', 'namespace', 'pod', 'identity'] as const).map((value) => ({
              value,
              label: text.serviceMap.nodes[value],
            }))}
          />
        </InlineField>
      </div>
    </>
  );
}
