import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, Checkbox, IconButton, Modal, useStyles2 } from '@grafana/ui';

import type { ColumnId } from './engine/protocol';
import { defaultColumns, type Column } from './table/columns';
import { moved } from './table/layout';
import type { OwnOptions } from './shownOptions';
import { testIds } from './testIds';
import { tableText } from './tableText';

interface Props {
  /** The available columns. */
  offered: readonly Column[];
  /** The selected columns in order, available or not. */
  shown: readonly ColumnId[];
  pinned: readonly ColumnId[];
  onChange(change: Partial<OwnOptions>): void;
  onClose(): void;
}

/** The dialog that selects, orders and pins the columns of the table. At least one remains. */
export function ColumnPicker({ offered, shown, pinned, onChange, onClose }: Props) {
  const styles = useStyles2(pickerStyles);
  const available = shown.flatMap((id) => offered.find((column) => column.id === id) ?? []);
  const others = offered.filter(({ id }) => !shown.includes(id));
  const ids = available.map(({ id }) => id);
  const toggle = (id: ColumnId) =>
    onChange({ columns: shown.includes(id) ? shown.filter((other) => other !== id) : [...shown, id] });
  const pin = (id: ColumnId) =>
    onChange({ pinnedColumns: pinned.includes(id) ? pinned.filter((other) => other !== id) : [...pinned, id] });
  return (
    <Modal title={tableText.picker.title} isOpen onDismiss={onClose} className={styles.modal}>
      <div className={styles.list} role="group" aria-label={tableText.picker.title}>
        {[...available, ...others].map(({ id, title }) => {
          const at = ids.indexOf(id);
          const isShown = at >= 0;
          const isPinned = pinned.includes(id);
          const move = (by: number) => onChange({ columns: moved(shown, ids, id, by) });
          return (
            <div key={id} className={styles.item}>
              <Checkbox
                label={title}
                value={isShown}
                disabled={isShown && ids.length === 1}
                onChange={() => toggle(id)}
                data-testid={testIds.column(id)}
              />
              {isShown && (
                <span className={styles.buttons}>
                  <IconButton
                    name="lock"
                    variant={isPinned ? 'primary' : 'secondary'}
                    aria-pressed={isPinned}
                    tooltip={isPinned ? tableText.picker.unpin(title) : tableText.picker.pin(title)}
                    onClick={() => pin(id)}
                    data-testid={testIds.pin(id)}
                  />
                  <IconButton
                    name="arrow-up"
                    disabled={at === 0}
                    aria-label={tableText.picker.up(title)}
                    onClick={() => move(-1)}
                    data-testid={testIds.moveUp(id)}
                  />
                  <IconButton
                    name="arrow-down"
                    disabled={at === ids.length - 1}
                    aria-label={tableText.picker.down(title)}
                    onClick={() => move(1)}
                    data-testid={testIds.moveDown(id)}
                  />
                </span>
              )}
            </div>
          );
        })}
      </div>
      <Modal.ButtonRow>
        <Button
          variant="secondary"
          fill="outline"
          onClick={() => onChange({ columns: defaultColumns, pinnedColumns: [], columnWidths: {} })}
        >
          {tableText.picker.reset}
        </Button>
        <Button onClick={onClose}>{tableText.picker.done}</Button>
      </Modal.ButtonRow>
    </Modal>
  );
}

function pickerStyles(theme: GrafanaTheme2) {
  return {
    modal: css({ width: 420, maxWidth: '100%' }),
    list: css({ display: 'flex', flexDirection: 'column', paddingBottom: theme.spacing(3) }),
    item: css({
      display: 'flex',
      alignItems: 'center',
      justifyContent: 'space-between',
      minHeight: theme.spacing(4),
      borderBottom: `1px solid ${theme.colors.border.weak}`,
    }),
    buttons: css({ display: 'flex', gap: theme.spacing(1) }),
  };
}
