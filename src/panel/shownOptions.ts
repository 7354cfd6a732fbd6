import { store } from '@grafana/data';
import { useCallback, useState } from 'react';

import type { ColumnId } from './engine/protocol';
import { isInExplore } from './lastMinutes';
import type { FlowsPanelOptions } from './options';
import { isColumn } from './table/columns';

/** The options that are set in the table itself. */
export type OwnOptions = Pick<FlowsPanelOptions, 'columns' | 'columnWidths' | 'pinnedColumns'>;

/** The key in the browser's storage for Explore, which does not store panel options. */
export const exploreKey = 'k8snet-flows-panel.explore';

/** The panel's options with those set in the table, and the function that sets them. */
export function useShownOptions(
  options: FlowsPanelOptions,
  onOptionsChange: (options: FlowsPanelOptions) => void
): [FlowsPanelOptions, (change: Partial<OwnOptions>) => void] {
  const [kept, setKept] = useState(() => (isInExplore() ? stored() : undefined));
  // Explore gives a panel 400 px and no options: more rows fit with the smallest ones.
  const shown = kept === undefined ? options : { ...options, density: 'compact' as const, ...kept };
  const change = useCallback(
    (change: Partial<OwnOptions>) => {
      if (kept === undefined) {
        onOptionsChange({ ...options, ...change });
        return;
      }
      const next = { ...kept, ...change };
      setKept(next);
      store.setObject(exploreKey, next);
    },
    [kept, options, onOptionsChange]
  );
  return [shown, change];
}

/** The valid part of the stored options. The storage is shared, so its content may be anything. */
function stored(): Partial<OwnOptions> {
  let kept: unknown;
  try {
    kept = store.getObject(exploreKey);
  } catch {
    return {};
  }
  if (typeof kept !== 'object' || kept === null) {
    return {};
  }
  const { columns, columnWidths: widths, pinnedColumns: pinned } = kept as Record<string, unknown>;
  const known = (ids: unknown): ColumnId[] => (Array.isArray(ids) ? [...new Set(ids.filter(isColumn))] : []);
  return {
    ...(known(columns).length > 0 && { columns: known(columns) }),
    ...(known(pinned).length > 0 && { pinnedColumns: known(pinned) }),
    ...(typeof widths === 'object' &&
      widths !== null && {
        columnWidths: Object.fromEntries(
          Object.entries(widths).filter(([id, width]) => isColumn(id) && typeof width === 'number')
        ),
      }),
  };
}
