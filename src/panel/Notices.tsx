import { css, cx } from '@emotion/css';
import { textUtil, type GrafanaTheme2, type QueryResultMetaNotice } from '@grafana/data';
import { Button, Icon, TextLink, useStyles2 } from '@grafana/ui';
import { useState } from 'react';

import { testIds } from './testIds';
import { text } from './text';

/** The notices of an answer: the most severe one, and the others on demand. */
export function Notices({ notices }: { notices: QueryResultMetaNotice[] }) {
  const styles = useStyles2(noticeStyles);
  const [open, setOpen] = useState(false);
  if (notices.length === 0) {
    return null;
  }
  const byWeight = [...notices].sort((a, b) => weights[a.severity] - weights[b.severity]);
  const shown = open ? byWeight : byWeight.slice(0, 1);
  return (
    <div className={styles.notices} role="status" aria-label={text.notices.label} data-testid={testIds.notices}>
      <ul className={styles.list}>
        {shown.map((notice, at) => (
          <li key={at} className={styles.notice}>
            <Icon name={icons[notice.severity]} size="sm" className={cx(styles.icon, styles[notice.severity])} />
            <span className={open ? styles.whole : styles.cut} title={open ? undefined : notice.text}>
              {notice.text}
              {notice.link && (
                <>
                  {' '}
                  <TextLink href={textUtil.sanitizeUrl(notice.link)} external inline variant="bodySmall">
                    {notice.link}
                  </TextLink>
                </>
              )}
            </span>
          </li>
        ))}
      </ul>
      {notices.length > 1 && (
        <Button size="sm" fill="text" variant="secondary" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? text.notices.less : text.notices.more(notices.length - 1)}
        </Button>
      )}
    </div>
  );
}

const weights = { error: 0, warning: 1, info: 2 } as const;
const icons = { error: 'exclamation-circle', warning: 'exclamation-triangle', info: 'info-circle' } as const;

function noticeStyles(theme: GrafanaTheme2) {
  return {
    notices: css({
      display: 'flex',
      alignItems: 'flex-start',
      justifyContent: 'space-between',
      gap: theme.spacing(1),
      flex: 'none',
      maxHeight: '40%',
      overflow: 'auto',
      padding: theme.spacing(0.5, 1),
      borderRadius: theme.shape.radius.default,
      background: theme.colors.background.secondary,
      fontSize: theme.typography.bodySmall.fontSize,
    }),
    list: css({ listStyle: 'none', margin: 0, minWidth: 0 }),
    notice: css({ display: 'flex', gap: theme.spacing(1), minWidth: 0, lineHeight: 1.6 }),
    icon: css({ flex: 'none', marginTop: 3 }),
    error: css({ color: theme.colors.error.text }),
    warning: css({ color: theme.colors.warning.text }),
    info: css({ color: theme.colors.info.text }),
    cut: css({ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }),
    whole: css({ overflowWrap: 'anywhere' }),
  };
}
