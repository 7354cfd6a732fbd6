import { AppEvents, type TimeRange } from '@grafana/data';
import { getAppEvents } from '@grafana/runtime';
import { Button, ClipboardButton, Dropdown, Menu } from '@grafana/ui';
import { useState } from 'react';

import { ColumnPicker } from './ColumnPicker';
import { fileName, saveFile, type DownloadFormat } from './download';
import { messageOf, type ColumnId, type ViewSpec } from './engine/protocol';
import type { FlowsModel } from './FlowsModel';
import { GroupPicker } from './GroupPicker';
import type { OwnOptions } from './shownOptions';
import type { Column } from './table/columns';
import { testIds } from './testIds';
import { tableText } from './tableText';
import { text } from './text';

export interface ActionsProps {
  model: FlowsModel;
  spec: ViewSpec;
  /** Number of policies. */
  policies: number;
  /** The `hubble observe` lines of the queries. */
  commands: string[];
  timeRange: TimeRange;
  /** The columns of the table, in order. */
  columns: readonly Column[];
  /** The available columns. */
  offered: readonly Column[];
  /** The selected columns, available or not. */
  chosen: readonly ColumnId[];
  pinned: readonly ColumnId[];
  onColumns(change: Partial<OwnOptions>): void;
}

const formats = [
  { format: 'csv', label: text.toolbar.downloadCsv },
  { format: 'jsonLines', label: text.toolbar.downloadJsonLines },
] as const satisfies ReadonlyArray<{ format: DownloadFormat; label: string }>;

/** The look of a toolbar button. */
const look = { size: 'sm', variant: 'secondary', fill: 'text' } as const;

/** The actions of the toolbar; in a narrow panel, in one menu. */
export function Actions({ isNarrow, ...props }: ActionsProps & { isNarrow: boolean }) {
  const { model, spec, policies, commands, timeRange, columns, offered, chosen, pinned, onColumns } = props;
  const [isGrouping, setGrouping] = useState(false);
  const [isPicking, setPicking] = useState(false);

  const download = (format: DownloadFormat) => {
    model.file(format, columns).then(
      (bytes) => saveFile(bytes, format, fileName(format, timeRange)),
      (error: unknown) =>
        getAppEvents().publish({
          type: AppEvents.alertError.name,
          payload: [text.toolbar.downloadFailed, messageOf(error)],
        })
    );
  };
  const downloads = formats.map(({ format, label }) => (
    <Menu.Item
      key={format}
      icon="download-alt"
      label={label}
      onClick={() => download(format)}
      testId={testIds.downloadAs(format)}
    />
  ));
  const policiesLabel = text.toolbar.policies(policies.toLocaleString());
  // Shared by the toolbar and the menu.
  const check = { icon: 'shield', onClick: () => model.openCheck() } as const;
  const group = { icon: 'layer-group', onClick: () => setGrouping(true) } as const;
  const pick = { icon: 'columns', onClick: () => setPicking(true) } as const;

  return (
    <>
      {!isNarrow && policies > 0 && (
        <Button {...look} {...check} tooltip={text.toolbar.checkPolicies} data-testid={testIds.openCheck}>
          {policiesLabel}
        </Button>
      )}
      {commands.length > 0 && (
        <ClipboardButton
          icon="copy"
          {...look}
          tooltip={text.toolbar.copyCommand}
          aria-label={text.toolbar.copyCommand}
          getText={() => commands.join('\n')}
          data-testid={testIds.copyCommand}
        />
      )}
      {isNarrow ? (
        <Dropdown
          placement="bottom-end"
          overlay={
            <Menu>
              {policies > 0 && <Menu.Item {...check} label={policiesLabel} testId={testIds.openCheck} />}
              <Menu.Item {...group} label={tableText.group.hint} testId={testIds.groupBy} />
              <Menu.Item {...pick} label={text.toolbar.columns} testId={testIds.columns} />
              {downloads}
            </Menu>
          }
        >
          <Button icon="ellipsis-h" {...look} aria-label={text.toolbar.more} data-testid={testIds.more} />
        </Dropdown>
      ) : (
        <>
          <Button
            {...look}
            {...group}
            variant={spec.groupBy.length > 0 ? 'primary' : 'secondary'}
            tooltip={tableText.group.hint}
            aria-label={tableText.group.hint}
            data-testid={testIds.groupBy}
          />
          <Button
            {...look}
            {...pick}
            tooltip={text.toolbar.columnsHint}
            aria-label={text.toolbar.columnsHint}
            data-testid={testIds.columns}
          />
          <Dropdown placement="bottom-end" overlay={<Menu>{downloads}</Menu>}>
            <Button icon="download-alt" {...look} aria-label={text.toolbar.download} data-testid={testIds.download} />
          </Dropdown>
        </>
      )}
      {isPicking && (
        <ColumnPicker
          offered={offered}
          shown={chosen}
          pinned={pinned}
          onChange={onColumns}
          onClose={() => setPicking(false)}
        />
      )}
      {isGrouping && (
        <GroupPicker
          offered={offered}
          spec={spec}
          onChange={(change) => model.setSpec(change)}
          onClose={() => setGrouping(false)}
        />
      )}
    </>
  );
}
