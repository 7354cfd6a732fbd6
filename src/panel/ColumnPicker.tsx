import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, Checkbox, Modal, useStyles2 } from '@grafana/ui';

import type { ColumnId } from './engine/protocol';
import { columns, defaultColumns, type Column } from './table/columns';
import { testIds } from './testIds';
import { text } from './text';

interface Props {
  /** The available columns. */
  offered: readonly Column[];
  shown: readonly ColumnId[];
  onChange(columns: ColumnId[]): void;
  onClose(): void;
}

/** The dialog that selects the columns of the table. At least one remains. */
export function ColumnPicker({ offered, shown, onChange, onClose }: Props) {
  const styles = useStyles2(pickerStyles);
  const toggle = (id: ColumnId) => {
    const next = columns.map((column) => column.id).filter((other) => shown.includes(other) !== (other === id));
    onChange(next);
  };
  return (
    <Modal title={text.picker.title} isOpen onDismiss={onClose} className={styles.modal}>
      <div className={styles.list} role="group" aria-label={text.picker.title}>
        {offered.map(({ id, title }) => (
          <Checkbox
            key={id}
            label={title}
            value={shown.includes(id)}
            disabled={shown.length === 1 && shown.includes(id)}
            onChange={() => toggle(id)}
            data-testid={testIds.column(id)}
          />
        ))}
      </div>
      <Modal.ButtonRow>
        <Button variant="secondary" fill="outline" onClick={() => onChange(defaultColumns)}>
          {text.picker.reset}
        </Button>
        <Button onClick={onClose}>{text.picker.done}</Button>
      </Modal.ButtonRow>
    </Modal>
  );
}

function pickerStyles(theme: GrafanaTheme2) {
  return {
    modal: css({ width: 420, maxWidth: '100%' }),
    list: css({ display: 'grid', gridTemplateColumns: '1fr 1fr', justifyItems: 'start', gap: theme.spacing(1) }),
  };
}
