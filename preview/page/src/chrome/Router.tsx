import { locationService } from '@grafana/runtime';
import { useEffect, useState, type ReactNode } from 'react';
import { NavigationType, Router as ReactRouter, type Navigator } from 'react-router-dom';

/** A router on the history that @grafana/runtime and scenes share. */
export function Router({ children }: { children: ReactNode }) {
  const history = locationService.getHistory();
  const [location, setLocation] = useState(history.location);
  useEffect(() => history.listen((next: typeof location) => setLocation(next)), [history]);
  useEffect(() => {
    document.addEventListener('click', followInPage);
    return () => document.removeEventListener('click', followInPage);
  }, []);
  const navigator = {
    createHref: history.createHref as Navigator['createHref'],
    go: (delta) => history.go(delta),
    push: (to, state) => history.push(to as string, state),
    replace: (to, state) => history.replace(to as string, state),
  } satisfies Navigator;
  return (
    <ReactRouter location={location} navigator={navigator} navigationType={NavigationType.Pop}>
      {children}
    </ReactRouter>
  );
}

/** Follows links to pages of this host without loading the page again, as in Grafana. */
function followInPage(event: MouseEvent) {
  const anchor = event.target instanceof Element ? event.target.closest('a') : null;
  const modified = event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0;
  if (!anchor?.href || modified || event.defaultPrevented || (anchor.target && anchor.target !== '_self')) {
    return;
  }
  const { origin, pathname, search, hash } = new URL(anchor.href, document.baseURI);
  if (origin === window.location.origin && !/^\/(api|public)\//.test(pathname)) {
    event.preventDefault();
    locationService.push(pathname + search + hash);
  }
}
