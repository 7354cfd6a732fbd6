import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { EditorRow } from '@grafana/plugin-ui';
import { Stack, useStyles2 } from '@grafana/ui';
import type { ReactNode } from 'react';

import type { RelayQuery } from '../query/model';
import { SelectionEditor, type EditorSource } from './SelectionEditor';

/** Props of the editor of one query type. */
export interface EditorProps<Q> {
  query: Q;
  onChange(query: Q): void;
  onRunQuery(): void;
  datasource: EditorSource;
}

interface Props<Q> extends EditorProps<Q> {
  /** The options of the query type. */
  children: ReactNode;
}

/**
 * The two rows of a flow query: filters and options. Not in `EditorRows` of `@grafana/plugin-ui`, a column with
 * `flex-wrap` that leaves room below filters as if they wrapped; nor with its `QueryOptionGroup`, which folds the options
 * away and weighs 39 KB with `react-use`.
 */
export function QueryRows<Q extends RelayQuery>({ children, ...selection }: Props<Q>) {
  const styles = useStyles2(rowStyles);
  return (
    <Stack direction="column" gap={0.5}>
      <EditorRow>
        <SelectionEditor {...selection} />
      </EditorRow>
      <EditorRow>
        <div className={styles.options}>{children}</div>
      </EditorRow>
    </Stack>
  );
}

/** Styles of a row of options. */
export function rowStyles(theme: GrafanaTheme2) {
  return {
    options: css({
      display: 'flex',
      flexWrap: 'wrap',
      alignItems: 'flex-start',
      gap: theme.spacing(1),
      '& > *': { margin: 0, maxWidth: '100%' },
    }),
  };
}
