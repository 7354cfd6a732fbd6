import { urlUtil } from '@grafana/data';
import { getBackendSrv, locationService } from '@grafana/runtime';
import { Dropdown, LinkButton, Menu, Stack, ToolbarButton } from '@grafana/ui';
import { useEffect, useState } from 'react';

import { type DashboardLinkModel } from './model';

interface Target {
  title: string;
  url: string;
}

/** The URL of a link, with the time range and variables of the page if the link keeps them. */
function targetUrl(url: string, { keepTime, includeVars }: DashboardLinkModel): string {
  const kept = Object.entries(locationService.getSearchObject()).filter(([key]) =>
    key.startsWith('var-') ? includeVars : keepTime && (key === 'from' || key === 'to')
  );
  return kept.length ? urlUtil.appendQueryToUrl(url, urlUtil.toUrlParams(Object.fromEntries(kept))) : url;
}

/** The links at the top of a dashboard: to other dashboards by tag, or to a URL. */
export function DashboardLinks({ links }: { links: DashboardLinkModel[] }) {
  return (
    <Stack gap={1}>
      {links.map((link, index) =>
        link.type === 'dashboards' ? (
          <TaggedDashboards key={index} link={link} />
        ) : (
          <DashboardLink key={index} link={link} target={{ title: link.title, url: link.url ?? '' }} />
        )
      )}
    </Stack>
  );
}

function DashboardLink({ link, target }: { link: DashboardLinkModel; target: Target }) {
  return (
    <LinkButton
      variant="secondary"
      fill="outline"
      href={targetUrl(target.url, link)}
      target={link.targetBlank ? '_blank' : undefined}
      tooltip={link.tooltip}
    >
      {target.title}
    </LinkButton>
  );
}

function TaggedDashboards({ link }: { link: DashboardLinkModel }) {
  const [targets, setTargets] = useState<Target[]>([]);
  const tags = link.tags?.join(',') ?? '';
  useEffect(() => {
    let current = true;
    void getBackendSrv()
      .get<Target[]>('/api/search', { type: 'dash-db', tag: tags.split(',').filter(Boolean) })
      .then((found) => current && setTargets(found));
    return () => {
      current = false;
    };
  }, [tags]);
  if (!link.asDropdown) {
    return targets.map((target) => <DashboardLink key={target.url} link={link} target={target} />);
  }
  const menu = () => (
    <Menu>
      {targets.map((target) => (
        <Menu.Item key={target.url} label={target.title} url={targetUrl(target.url, link)} />
      ))}
    </Menu>
  );
  return (
    <Dropdown overlay={menu}>
      <ToolbarButton variant="canvas" icon="bars" tooltip={link.tooltip}>
        {link.title}
      </ToolbarButton>
    </Dropdown>
  );
}
