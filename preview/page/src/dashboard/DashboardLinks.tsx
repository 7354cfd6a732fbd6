import { urlUtil } from '@grafana/data';
import { getBackendSrv, locationService } from '@grafana/runtime';
import { Dropdown, Menu, ToolbarButton } from '@grafana/ui';

import { useLoaded } from '../chrome/useLoaded';
import { type DashboardLinkModel } from './model';

interface Target {
  title: string;
  url: string;
}

const tagged = (tags: string) => getBackendSrv().get<Target[]>('/api/search', { tag: tags.split(',') });

/** The menus of dashboards with a tag, at the top of a dashboard. */
export function DashboardLinks({ links }: { links: DashboardLinkModel[] }) {
  return links.map((link, index) => <TaggedDashboards key={index} link={link} />);
}

function TaggedDashboards({ link }: { link: DashboardLinkModel }) {
  const { loaded = [] } = useLoaded(tagged, link.tags?.join(',') ?? '');
  const menu = () => (
    <Menu>
      {loaded.map(({ title, url }) => (
        <Menu.Item key={url} label={title} url={targetUrl(url, link)} />
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

/** The URL of a link, with the time range and variables of the page if the link keeps them. */
function targetUrl(url: string, { keepTime, includeVars }: DashboardLinkModel): string {
  const kept = Object.entries(locationService.getSearchObject()).filter(([key]) =>
    key.startsWith('var-') ? includeVars : keepTime && (key === 'from' || key === 'to')
  );
  return kept.length ? urlUtil.appendQueryToUrl(url, urlUtil.toUrlParams(Object.fromEntries(kept))) : url;
}
