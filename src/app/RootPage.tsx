import { css } from '@emotion/css';
import { PluginPage, getBackendSrv, getDataSourceSrv } from '@grafana/runtime';
import { locationUtil, type DataSourceInstanceSettings, type GrafanaTheme2 } from '@grafana/data';
import { LinkButton, LoadingPlaceholder, Stack, TextLink, useStyles2 } from '@grafana/ui';
import { useEffect, useState } from 'react';

import { datasourceId } from '../pluginIds';
import { exploreLink } from './exploreLink';
import { testIds } from './testIds';
import { text } from './text';

/** The tag of this app's dashboards. */
const dashboardTag = 'k8s:network-observability';

interface FoundDashboard {
  uid: string;
  title: string;
  url: string;
}

/** The app's start page: its data sources and dashboards. */
export function RootPage() {
  const styles = useStyles2(pageStyles);
  return (
    <PluginPage subTitle={text.what}>
      <div className={styles.page} data-testid={testIds.page}>
        <Sources sources={getDataSourceSrv().getList({ pluginId: datasourceId })} />
        <Dashboards />
      </div>
    </PluginPage>
  );
}

function Sources({ sources }: { sources: DataSourceInstanceSettings[] }) {
  const styles = useStyles2(pageStyles);
  return (
    <section>
      <h2 className={styles.title}>{text.sources.title}</h2>
      {sources.length === 0 && <p>{text.sources.none}</p>}
      <ul className={styles.list}>
        {sources.map(({ uid, name }) => (
          <li key={uid} className={styles.source} data-testid={testIds.source}>
            <span className={styles.name}>{name}</span>
            <Stack gap={1}>
              <LinkButton href={exploreLink(uid)} size="sm" icon="compass" aria-label={text.sources.exploreNamed(name)}>
                {text.sources.explore}
              </LinkButton>
              <LinkButton
                href={locationUtil.assureBaseUrl(`/connections/datasources/edit/${encodeURIComponent(uid)}`)}
                size="sm"
                variant="secondary"
                icon="cog"
                aria-label={text.sources.configureNamed(name)}
              >
                {text.sources.configure}
              </LinkButton>
            </Stack>
          </li>
        ))}
      </ul>
      {sources.length === 0 && (
        <LinkButton
          href={locationUtil.assureBaseUrl(`/connections/datasources/${datasourceId}`)}
          icon="plus"
          data-testid={testIds.addSource}
        >
          {text.sources.add}
        </LinkButton>
      )}
    </section>
  );
}

function Dashboards() {
  const styles = useStyles2(pageStyles);
  const [found, setFound] = useState<FoundDashboard[] | 'loading' | 'failed'>('loading');
  useEffect(() => {
    let isCurrent = true;
    getBackendSrv()
      .get<FoundDashboard[]>('/api/search', { type: 'dash-db', tag: dashboardTag, limit: 100 })
      .then(
        (dashboards) => isCurrent && setFound(dashboards),
        () => isCurrent && setFound('failed')
      );
    return () => {
      isCurrent = false;
    };
  }, []);
  return (
    <section>
      <h2 className={styles.title}>{text.dashboards.title}</h2>
      {found === 'loading' && <LoadingPlaceholder text={text.dashboards.loading} />}
      {found === 'failed' && <p>{text.dashboards.failed}</p>}
      {Array.isArray(found) && found.length === 0 && <p>{text.dashboards.none}</p>}
      {Array.isArray(found) && (
        <ul className={styles.list}>
          {found.map(({ uid, title, url }) => (
            <li key={uid} data-testid={testIds.dashboard}>
              <TextLink href={locationUtil.stripBaseFromUrl(url)}>{title}</TextLink>
            </li>
          ))}
        </ul>
      )}
      <TextLink href="/dashboards">{text.dashboards.all}</TextLink>
    </section>
  );
}

function pageStyles(theme: GrafanaTheme2) {
  return {
    page: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(4), maxWidth: 800 }),
    title: css({ fontSize: theme.typography.h4.fontSize, marginBottom: theme.spacing(1.5) }),
    list: css({ listStyle: 'none', margin: theme.spacing(0, 0, 2), display: 'grid', gap: theme.spacing(1) }),
    source: css({
      display: 'flex',
      alignItems: 'center',
      justifyContent: 'space-between',
      gap: theme.spacing(2),
      padding: theme.spacing(1, 2),
      borderRadius: theme.shape.radius.default,
      background: theme.colors.background.secondary,
    }),
    name: css({ minWidth: 0, overflowWrap: 'anywhere', fontWeight: theme.typography.fontWeightMedium }),
  };
}
