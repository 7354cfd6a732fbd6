import { Field, Input, useStyles2 } from '@grafana/ui';
import { css } from '@emotion/css';
import type { GrafanaTheme2, QueryEditorProps } from '@grafana/data';
import { useId, useState } from 'react';

import type { HubbleDataSource } from '../datasource';
import { testIds } from '../testIds';
import { text } from '../text';
import type { HubbleQuery } from '../query/model';
import type { HubbleSettings } from '../types';
import { variableText, type VariableQuery } from './HubbleVariables';

type Props = QueryEditorProps<HubbleDataSource, HubbleQuery, HubbleSettings, VariableQuery>;

/** One line of text, asked when it is left or Enter is pressed. */
export function VariableEditor({ query, onChange }: Props) {
  const styles = useStyles2(variableStyles);
  const id = useId();
  const given = variableText(query);
  const [draft, setDraft] = useState(given);
  const commit = () => {
    if (draft !== given) {
      onChange({ ...(typeof query === 'object' ? query : {}), refId: query?.refId || 'variable', query: draft });
    }
  };
  return (
    <>
      <Field label={text.variables.query} htmlFor={id} className={styles.query} noMargin>
        <Input
          id={id}
          value={draft}
          placeholder={text.variables.placeholder}
          onChange={(event) => setDraft(event.currentTarget.value)}
          onBlur={commit}
          onKeyDown={(event) => event.key === 'Enter' && commit()}
          spellCheck={false}
          data-testid={testIds.variableQuery}
        />
      </Field>
      <dl className={styles.forms}>
        {text.variables.forms.map(({ form, meaning }) => (
          <div key={form} className={styles.form}>
            <dt>
              <code>{form}</code>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function variableStyles(theme: GrafanaTheme2) {
  return {
    query: css({ margin: theme.spacing(2, 0, 1), maxWidth: theme.spacing(80) }),
    forms: css({ fontSize: theme.typography.bodySmall.fontSize, color: theme.colors.text.secondary }),
    form: css({
      display: 'grid',
      gridTemplateColumns: 'minmax(180px, 260px) 1fr',
      gap: theme.spacing(1),
      marginBottom: theme.spacing(0.5),
      dd: { margin: 0 },
    }),
  };
}
