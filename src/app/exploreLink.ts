import { locationUtil, urlUtil } from '@grafana/data';

import { datasourceId } from '../pluginIds';

/** Explore with this data source and the query that it proposes itself. */
export function exploreLink(uid: string): string {
  const datasource = { type: datasourceId, uid };
  const panes = {
    flows: {
      datasource: uid,
      queries: [{ refId: 'A', datasource, queryType: 'flows', format: 'packed' }],
      range: { from: 'now-15m', to: 'now' },
    },
  };
  return locationUtil.assureBaseUrl(urlUtil.renderUrl('/explore', { schemaVersion: 1, panes: JSON.stringify(panes) }));
}
