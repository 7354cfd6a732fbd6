import { AppPlugin } from '@grafana/data';
import { LoadingPlaceholder } from '@grafana/ui';
import { lazy, Suspense } from 'react';

import { showFlowsLink } from './app/showFlows/link';
import { text } from './app/text';

const RootPage = lazy(() => import('./app/RootPage').then(({ RootPage }) => ({ default: RootPage })));

function LazyRootPage() {
  return (
    <Suspense fallback={<LoadingPlaceholder text={text.loading} />}>
      <RootPage />
    </Suspense>
  );
}

export const plugin = new AppPlugin().setRootPage(LazyRootPage).addLink(showFlowsLink);
