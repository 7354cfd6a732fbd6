import { useState } from 'react';
import { useLocation } from 'react-router-dom';

import { Page } from '../chrome/Page';
import { ExploreScene } from './ExploreScene';
import { readPanes } from './panes';

/** The scene for a URL. */
interface Shown {
  search: string;
  scene: ExploreScene;
  others: number;
}

function shownAt(search: string): Shown {
  const { pane, others } = readPanes(search);
  return { search, scene: new ExploreScene(pane), others };
}

export function ExplorePage() {
  const { search } = useLocation();
  const [shown, setShown] = useState(() => shownAt(search));
  if (shown.search !== search) {
    // A URL that the scene wrote itself needs no new scene.
    setShown(shown.scene.writtenSearch === search ? { ...shown, search } : shownAt(search));
  }
  const { scene, others } = shown;
  return (
    <Page title="Explore" note={others > 0 ? `${others} more panes in the address, not shown here` : undefined}>
      <scene.Component key={scene.state.key} model={scene} />
    </Page>
  );
}
