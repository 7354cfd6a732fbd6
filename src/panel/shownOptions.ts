import { store } from '@grafana/data';
import { useCallback, useState } from 'react';

import { isInExplore } from './lastMinutes';
import type { FlowsPanelOptions } from './options';
import { columns, type ColumnId } from './table/columns';

/** What somebody sets in the table itself. */
export type OwnOptions = Pick<FlowsPanelOptions, 'columns' | 'columnWidths'>;

/** Explore keeps no options: the browser does, for every table there. */
export const exploreKey = 'k8snet-flows-panel.explore';

/** The panel's options with what was set in the table, and how to set it. */
export function useShownOptions(
  options: FlowsPanelOptions,
  onOptionsChange: (options: FlowsPanelOptions) => void
): [FlowsPanelOptions, (change: Partial<OwnOptions>) => void] {
  const [kept, setKept] = useState(() => (isInExplore() ? stored() : undefined));
  const shown = kept === undefined ? options : { ...options, ...kept };
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

/** What the browser kept, as far as it can be used: somebody else may have written there. */
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
  const { columns: ids, columnWidths: widths } = kept as Record<string, unknown>;
  const known = (id: unknown): id is ColumnId => columns.some((column) => column.id === id);
  return {
    ...(Array.isArray(ids) && ids.some(known) && { columns: ids.filter(known) }),
    ...(typeof widths === 'object' &&
      widths !== null && {
        columnWidths: Object.fromEntries(
          Object.entries(widths).filter(([id, width]) => known(id) && typeof width === 'number')
        ),
      }),
  };
}
