import type { LogRowModel } from '@grafana/data';
import { InlineField, RadioButtonGroup } from '@grafana/ui';
import { useState } from 'react';

import { testIds } from '../testIds';
import { text } from '../text';
import { scopesOf, type ContextScope } from './context';

interface Props {
  row: LogRowModel;
  scope: ContextScope;
  onChange(scope: ContextScope): void;
}

/** The choice of the flows that are shown around a flow. */
export function ContextUi({ row, scope, onChange }: Props) {
  const scopes = scopesOf(row.labels);
  const [chosen, setChosen] = useState(scope);
  return (
    <div data-testid={testIds.contextSides}>
      <InlineField label={text.logs.context}>
        <RadioButtonGroup<ContextScope>
          aria-label={text.logs.context}
          value={scopes.includes(chosen) ? chosen : scopes[0]}
          onChange={(next) => {
            setChosen(next);
            onChange(next);
          }}
          options={scopes.map((value) => ({
            value,
            label: text.logs.scopes[value],
            description: text.logs.scopeHints[value],
          }))}
        />
      </InlineField>
    </div>
  );
}
