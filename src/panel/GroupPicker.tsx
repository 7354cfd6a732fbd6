import { Button, Field, Modal, MultiSelect, RadioButtonList, Switch } from '@grafana/ui';
import { useId } from 'react';

import { groupSorts, type ColumnId, type ViewSpec } from './engine/protocol';
import type { Column } from './table/columns';
import { testIds } from './testIds';
import { tableText } from './tableText';

interface Props {
  /** The available columns. */
  offered: readonly Column[];
  spec: ViewSpec;
  onChange(change: Partial<Pick<ViewSpec, 'groupBy' | 'groupSort' | 'fold'>>): void;
  onClose(): void;
}

/** The dialog that groups the flows by columns, orders the groups, and folds the records of one packet. */
export function GroupPicker({ offered, spec, onChange, onClose }: Props) {
  const id = useId();
  const keys = offered.filter((column) => column.id !== 'time');
  return (
    <Modal title={tableText.group.title} isOpen onDismiss={onClose}>
      <Field label={tableText.group.by} description={tableText.group.byHint}>
        <MultiSelect
          inputId={`${id}-by`}
          aria-label={tableText.group.by}
          options={keys.map(({ id, title }) => ({ value: id, label: title }))}
          value={spec.groupBy}
          onChange={(chosen) => onChange({ groupBy: chosen.flatMap(({ value }) => value ?? ([] as ColumnId[])) })}
          isClearable
          menuShouldPortal
        />
      </Field>
      <Field label={tableText.group.order} disabled={spec.groupBy.length === 0}>
        <RadioButtonList
          name={`${id}-sort`}
          options={groupSorts.map((value) => ({ value, label: tableText.group.sorts[value] }))}
          value={spec.groupSort}
          onChange={(groupSort) => onChange({ groupSort })}
        />
      </Field>
      <Field label={tableText.group.fold} description={tableText.group.foldHint}>
        <Switch
          id={`${id}-fold`}
          value={spec.fold}
          onChange={() => onChange({ fold: !spec.fold })}
          data-testid={testIds.fold}
        />
      </Field>
      <Modal.ButtonRow>
        <Button onClick={onClose}>{tableText.picker.done}</Button>
      </Modal.ButtonRow>
    </Modal>
  );
}
