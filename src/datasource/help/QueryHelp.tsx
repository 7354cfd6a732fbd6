import { css } from '@emotion/css';
import type { GrafanaTheme2, QueryEditorHelpProps } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

import { isPromql, type HubbleQuery } from '../query/model';
import { sentenceOf } from '../query/rows';
import { testIds } from '../testIds';
import { text } from '../text';
import { exampleGroups } from './examples';

/** Example queries; a click uses one. */
export function QueryHelp({ onClickExample, query }: QueryEditorHelpProps<HubbleQuery>) {
  const styles = useStyles2(helpStyles);
  return (
    <div data-testid={testIds.help}>
      <h2>{text.help.title}</h2>
      <p>{text.help.introduction}</p>
      {exampleGroups.map(({ title, examples }) => (
        <section key={title}>
          <h3 className={styles.group}>{title}</h3>
          <ul className={styles.examples}>
            {examples.map((example) => {
              const shown = { refId: query?.refId ?? 'A', ...example.query } as HubbleQuery;
              return (
                <li key={example.title}>
                  <button type="button" className={styles.example} onClick={() => onClickExample(shown)}>
                    <strong>{example.title}</strong>
                    <code className={styles.query}>
                      {isPromql(shown) ? shown.expr : (shown.text ?? sentenceOf(shown))}
                    </code>
                    <span>{example.meaning}</span>
                  </button>
                </li>
              );
            })}
          </ul>
        </section>
      ))}
      <ul>
        {text.help.rules.map((rule) => (
          <li key={rule}>{rule}</li>
        ))}
      </ul>
    </div>
  );
}

function helpStyles(theme: GrafanaTheme2) {
  return {
    group: css({ fontSize: theme.typography.h5.fontSize, marginTop: theme.spacing(2) }),
    examples: css({
      listStyle: 'none',
      display: 'grid',
      gridTemplateColumns: 'repeat(auto-fill, minmax(280px, 1fr))',
      gap: theme.spacing(1),
    }),
    example: css({
      display: 'flex',
      flexDirection: 'column',
      gap: theme.spacing(0.5),
      width: '100%',
      height: '100%',
      textAlign: 'left',
      padding: theme.spacing(1),
      border: `1px solid ${theme.colors.border.weak}`,
      borderRadius: theme.shape.radius.default,
      background: theme.colors.background.secondary,
      color: theme.colors.text.primary,
      '&:hover': { background: theme.colors.emphasize(theme.colors.background.secondary, 0.03) },
    }),
    query: css({ whiteSpace: 'normal', overflowWrap: 'anywhere' }),
  };
}
