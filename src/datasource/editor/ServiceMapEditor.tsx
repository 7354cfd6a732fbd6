import { css } from '@emotion/css';
import { InlineField, RadioButtonGroup } from '@grafana/ui';

import type { MapBy, ServiceMapQuery } from '../query/model';
import { testIds } from '../testIds';
import { text } from '../text';
import { QueryRows, type EditorProps } from './QueryRows';

/** Choices wrap where the editor is narrow. */
const choices = css({ flexWrap: 'wrap' });

/** The editor of service maps: filters, and what a node represents. */
export function ServiceMapEditor(props: EditorProps<ServiceMapQuery>) {
  const { query, onChange, onRunQuery } = props;
  return (
    <QueryRows {...props}>
      <div data-testid={testIds.mapBy}>
        <InlineField label={text.serviceMap.by} tooltip={text.serviceMap.byHint}>
          <RadioButtonGroup<MapBy>
            className={choices}
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
    </QueryRows>
  );
}
