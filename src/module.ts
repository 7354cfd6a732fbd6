import { AppPlugin } from '@grafana/data';

import { showFlowsLink } from './app/showFlows/link';
import { text } from './app/text';
import { lazyComponent } from './lazyComponent';

const RootPage = lazyComponent(() => import('./app/RootPage').then(({ RootPage }) => RootPage), text.page);

export const plugin = new AppPlugin().setRootPage(RootPage).addLink(showFlowsLink);
