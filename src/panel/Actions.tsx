import { AppEvents, type TimeRange } from '@grafana/data';
import { getAppEvents } from '@grafana/runtime';
import { Button, ClipboardButton, Dropdown, Menu } from '@grafana/ui';
import { useState } from 'react';

import { ColumnPicker } from './ColumnPicker';
import { fileName, saveFile } from './download';
import { messageOf, type FileFormat } from './engine/protocol';
import type { FlowsModel } from './FlowsModel';
import type { Column, ColumnId } from './table/columns';
import { testIds } from './testIds';
import { text } from './text';

export interface ActionsProps {
  model: FlowsModel;
  /** How many policies the flows are judged by. */
  policies: number;
  /** The `hubble observe` lines that ask the same as the queries. */
  commands: string[];
  timeRange: TimeRange;
  /** The columns that the table shows, in their order. */
  columns: readonly Column[];
  /** Those that it could show. */
  offered: readonly Column[];
  /** Those that are chosen, whether they can be shown or not. */
  chosen: readonly ColumnId[];
  onColumns(columns: ColumnId[]): void;
}

const formats = [
  { format: 'csv', label: text.toolbar.downloadCsv },
  { format: 'jsonLines', label: text.toolbar.downloadJsonLines },
] as const satisfies ReadonlyArray<{ format: FileFormat; label: string }>;

/** How a button of the toolbar looks. */
const look = { size: 'sm', variant: 'secondary', fill: 'text' } as const;

/** What can be done with the table. Where there is no room, all of it is in one menu. */
export function Actions({ isNarrow, ...props }: ActionsProps & { isNarrow: boolean }) {
  const { model, policies, commands, timeRange, columns, offered, chosen, onColumns } = props;
  const [isPicking, setPicking] = useState(false);

  const download = (format: FileFormat) => {
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
  // The same in the toolbar and in the menu.
  const check = { icon: 'shield', onClick: () => model.openCheck() } as const;
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
        <ColumnPicker offered={offered} shown={chosen} onChange={onColumns} onClose={() => setPicking(false)} />
      )}
    </>
  );
}
