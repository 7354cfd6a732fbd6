import { LoadingPlaceholder } from '@grafana/ui';
import { useEffect, useState } from 'react';
import { useLocation } from 'react-router-dom';

import { Page } from '../chrome/Page';
import { ExploreScene } from './ExploreScene';
import { readPanes } from './panes';

export function ExplorePage() {
  const { search } = useLocation();
  const [shown, setShown] = useState<{ scene: ExploreScene; others: number }>();
  useEffect(() => {
    setShown((now) => {
      if (now?.scene.writtenSearch === search) {
        return now;
      }
      const { pane, others } = readPanes(search);
      return { scene: new ExploreScene(pane), others };
    });
  }, [search]);
  const others = shown?.others ?? 0;
  return (
    <Page title="Explore" note={others > 0 ? `${others} more panes in the address, not shown here` : undefined}>
      {shown ? (
        <shown.scene.Component key={shown.scene.state.key} model={shown.scene} />
      ) : (
        <LoadingPlaceholder text="Loading" />
      )}
    </Page>
  );
}
