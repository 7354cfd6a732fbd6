import { css } from '@emotion/css';
import { type GrafanaTheme2 } from '@grafana/data';
import { Icon, Text, TextLink, useStyles2 } from '@grafana/ui';
import { useEffect, type ReactNode } from 'react';

interface PageProps {
  title: string;
  /** Text in the bar, beside the title. */
  note?: string;
  children: ReactNode;
}

/** The frame of every page: navigation, and a note that this is not Grafana. */
export function Page({ title, note, children }: PageProps) {
  const styles = useStyles2(getStyles);
  useEffect(() => {
    document.title = `${title} - preview`;
  }, [title]);
  return (
    <div className={styles.page}>
      <header className={styles.bar}>
        <nav className={styles.nav}>
          <TextLink href="/" inline={false} color="primary">
            Home
          </TextLink>
          <Icon name="angle-right" size="sm" />
          <Text element="h1" variant="body" truncate>
            {title}
          </Text>
        </nav>
        <Text variant="bodySmall" color="secondary" truncate>
          preview: stands in for Grafana{note ? ` (${note})` : ''}
        </Text>
        <TextLink href="/explore" inline={false} color="primary">
          Explore
        </TextLink>
      </header>
      <main className={styles.main}>{children}</main>
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({
    display: 'flex',
    flexDirection: 'column',
    minHeight: '100vh',
    background: theme.colors.background.canvas,
  }),
  bar: css({
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'space-between',
    gap: theme.spacing(2),
    height: theme.spacing(5),
    flexShrink: 0,
    padding: theme.spacing(0, 2),
    position: 'sticky',
    top: 0,
    zIndex: theme.zIndex.navbarFixed,
    background: theme.colors.background.primary,
    borderBottom: `1px solid ${theme.colors.border.weak}`,
  }),
  nav: css({ display: 'flex', alignItems: 'center', gap: theme.spacing(1), minWidth: 0, whiteSpace: 'nowrap' }),
  // A scene needs a flex column with a height.
  main: css({ display: 'flex', flexDirection: 'column', flexGrow: 1, minHeight: 0, padding: theme.spacing(2) }),
});
