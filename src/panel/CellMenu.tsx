import { config } from '@grafana/runtime';
import type { TimeRange } from '@grafana/data';
import { ContextMenu, Menu } from '@grafana/ui';
import { useEffect, useState } from 'react';

import { conditionOf, conditionsOfFlow } from './cellFilter';
import { commandOf } from './command';
import type { ColumnId, FileFormat, FlowValues } from './engine/protocol';
import { foundDashboards, linksOf, type FoundDashboard } from './links';
import { testIds } from './testIds';
import { tableText } from './tableText';

interface Props {
  at: { x: number; y: number };
  /** The cell; undefined for whole rows. */
  cell?: { column: ColumnId; value: string };
  /** Number of selected flows. */
  flows: number;
  /** Values of the row, once they are known. */
  values: FlowValues | undefined;
  /** uid of the data source of the flows, if there is one. */
  source: string | undefined;
  timeRange: TimeRange;
  onFilter(excluded: boolean): void;
  onCopy(text: string): void;
  onCopyRows(format: FileFormat): void;
  onOpen(): void;
  onClose(): void;
}

/** The menu of a cell, or of the selected rows. */
export function CellMenu(props: Props) {
  const { at, cell, flows, values, source, timeRange, onFilter, onCopy, onCopyRows, onOpen, onClose } = props;
  const [dashboards, setDashboards] = useState<FoundDashboard[]>([]);
  useEffect(() => {
    let isCurrent = true;
    void foundDashboards().then((found) => isCurrent && setDashboards(found));
    return () => {
      isCurrent = false;
    };
  }, []);
  const shown = cell?.value || tableText.cell.empty;
  const condition = cell && values && conditionOf(cell.column, values);
  const links = values ? linksOf(values, { source, range: timeRange.raw, dashboards, mayExplore: mayExplore() }) : [];
  return (
    <ContextMenu
      x={at.x}
      y={at.y}
      onClose={onClose}
      focusOnOpen
      renderMenuItems={() => (
        <>
          {cell && cell.column !== 'time' && (
            <Menu.Group label={tableText.cell.filter} ariaLabel={tableText.cell.filter}>
              <Menu.Item
                icon="search-plus"
                label={tableText.cell.filterFor(shown)}
                onClick={() => onFilter(false)}
                testId={testIds.menuItem('filter-for')}
              />
              <Menu.Item
                icon="search-minus"
                label={tableText.cell.filterOut(shown)}
                onClick={() => onFilter(true)}
                testId={testIds.menuItem('filter-out')}
              />
            </Menu.Group>
          )}
          <Menu.Group label={tableText.cell.copy} ariaLabel={tableText.cell.copy}>
            {cell && cell.value !== '' && (
              <Menu.Item
                icon="copy"
                label={tableText.cell.copyValue}
                onClick={() => onCopy(cell.value)}
                testId={testIds.menuItem('copy-value')}
              />
            )}
            {(['tabs', 'csv', 'jsonLines'] as const).map((format) => (
              <Menu.Item
                key={format}
                icon="copy"
                label={tableText.cell.copyRows[format](flows)}
                onClick={() => onCopyRows(format)}
                testId={testIds.menuItem(`copy-${format}`)}
              />
            ))}
            {condition && (
              <Menu.Item
                icon="copy"
                label={tableText.cell.copyCommandOfCell}
                onClick={() => onCopy(commandOf([condition]))}
                testId={testIds.menuItem('copy-command-cell')}
              />
            )}
            {values && (
              <Menu.Item
                icon="copy"
                label={tableText.cell.copyCommand}
                onClick={() => onCopy(commandOf(conditionsOfFlow(values)))}
                testId={testIds.menuItem('copy-command')}
              />
            )}
          </Menu.Group>
          <Menu.Group label={tableText.cell.open} ariaLabel={tableText.cell.open}>
            <Menu.Item
              icon="file-alt"
              label={tableText.cell.openFlow}
              onClick={onOpen}
              testId={testIds.menuItem('open-flow')}
            />
            {links.map(({ label, href, icon }) => (
              <Menu.Item key={href} icon={icon} label={label} url={href} testId={testIds.menuItem(`link ${label}`)} />
            ))}
          </Menu.Group>
        </>
      )}
    />
  );
}

/** Whether the user may use Explore, which answers others with the home page and not a word. */
function mayExplore(): boolean {
  const permissions = config.bootData?.user?.permissions;
  return !permissions || Object.keys(permissions).length === 0 || Boolean(permissions['datasources:explore']);
}
