import { Alert, LoadingPlaceholder } from '@grafana/ui';
import { lazy, Suspense, type ComponentType, type FunctionComponent, type ReactNode } from 'react';

interface Words {
  /** Shown while the code loads. */
  loading: string;
  /** Shown instead of the component if the code does not load; it says what to do. */
  failed: string;
}

/**
 * A component whose code loads when it is first drawn. A failed load stays failed until the page is reloaded: after an
 * update of the plugin, the files that an open page expects are gone.
 */
export function lazyComponent<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
  { loading, failed }: Words
): FunctionComponent<Props> {
  const drawn = (draw: (props: Props) => ReactNode) => ({
    default: ({ props }: { props: Props }) => draw(props),
  });
  const Loaded = lazy(() =>
    load().then(
      (Component) => drawn((props) => <Component {...props} />),
      () => drawn(() => <Alert severity="error" title={failed} />)
    )
  );
  return function LazyComponent(props: Props) {
    return (
      <Suspense fallback={<LoadingPlaceholder text={loading} />}>
        <Loaded props={props} />
      </Suspense>
    );
  };
}
