import { css } from '@emotion/css';
import type { DataSourceInstanceSettings, GrafanaTheme2, RawTimeRange } from '@grafana/data';
import { Field, LinkButton, RadioButtonList, Stack, useStyles2 } from '@grafana/ui';
import { useState } from 'react';

import { exploreLink } from '../exploreLink';
import { testIds } from '../testIds';
import { text } from '../text';
import { wanted, type FlowsBehind } from './flowsBehind';

interface Props {
  flows: FlowsBehind[];
  sources: DataSourceInstanceSettings[];
  range?: RawTimeRange;
  onDismiss?: () => void;
}

/** What the flows will be asked for, and what of the panel's expression cannot be asked; which source to ask. */
export function ChooseFlows({ flows, sources, range, onDismiss }: Props) {
  const styles = useStyles2(modalStyles);
  const [uid, setUid] = useState(sources[0]?.uid ?? '');
  const words = text.showFlows;
  if (flows.length === 0) {
    return <p>{words.nothing}</p>;
  }
  if (sources.length === 0) {
    return <p>{text.sources.none}</p>;
  }
  const left = [...new Set(flows.flatMap((one) => one.left))];
  const widened = [...new Set(flows.flatMap((one) => one.widened))];
  return (
    <div data-testid={testIds.chooseFlows}>
      <h3 className={styles.title}>{words.asked}</h3>
      {flows.map((one) => (
        <Filter key={JSON.stringify(one)} flows={one} />
      ))}
      <Parts title={words.widened} parts={widened} />
      <Parts title={words.left} parts={left} />
      {sources.length > 1 && (
        <Field label={words.source}>
          <RadioButtonList
            name="source"
            options={sources.map((source) => ({ value: source.uid, label: source.name }))}
            value={uid}
            onChange={setUid}
          />
        </Field>
      )}
      <Stack justifyContent="flex-end">
        <LinkButton href={exploreLink(uid, wanted(flows), range)} icon="compass" onClick={onDismiss}>
          {words.open}
        </LinkButton>
      </Stack>
    </div>
  );
}

function Filter({ flows: { filter, exclude } }: { flows: FlowsBehind }) {
  const styles = useStyles2(modalStyles);
  const words = (fields: object) =>
    Object.entries(fields).map(([field, values]: [string, string[]]) => `${field}: ${values.join(', ')}`);
  const conditions = [...words(filter), ...words(exclude).map(text.showFlows.not)];
  return <p className={styles.code}>{conditions.length === 0 ? text.showFlows.all : conditions.join(' · ')}</p>;
}

function Parts({ title, parts }: { title: string; parts: string[] }) {
  const styles = useStyles2(modalStyles);
  if (parts.length === 0) {
    return null;
  }
  return (
    <>
      <h3 className={styles.title}>{title}</h3>
      {parts.map((part) => (
        <p key={part} className={styles.code}>
          {part}
        </p>
      ))}
    </>
  );
}

function modalStyles(theme: GrafanaTheme2) {
  return {
    title: css({ fontSize: theme.typography.h5.fontSize, margin: theme.spacing(1, 0, 0.5) }),
    code: css({ fontFamily: theme.typography.fontFamilyMonospace, overflowWrap: 'anywhere', margin: 0 }),
  };
}
