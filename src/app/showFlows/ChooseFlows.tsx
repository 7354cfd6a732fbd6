import { css } from '@emotion/css';
import type { DataSourceInstanceSettings, GrafanaTheme2, RawTimeRange } from '@grafana/data';
import { Field, LinkButton, RadioButtonList, Stack, useStyles2 } from '@grafana/ui';
import { useState } from 'react';

import { exploreLink } from '../exploreLink';
import { testIds } from '../testIds';
import { text } from '../text';
import { conditionsOf, type FlowsBehind } from './flowsBehind';

interface Props {
  flows: FlowsBehind[];
  sources: DataSourceInstanceSettings[];
  range?: RawTimeRange;
  onDismiss?: () => void;
}

/** The filters that Explore will use, the matchers that they do not cover, and the choice of the data source. */
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
  const unsupported = [...new Set(flows.flatMap((one) => one.unsupported))];
  const widened = [...new Set(flows.flatMap((one) => one.widened))];
  return (
    <div data-testid={testIds.chooseFlows}>
      <h3 className={styles.title}>{words.filters}</h3>
      {flows.map((one) => (
        <Filter key={JSON.stringify(one)} flows={one} />
      ))}
      <Matchers title={words.widened} matchers={widened} />
      <Matchers title={words.unsupported} matchers={unsupported} />
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
        <LinkButton href={exploreLink(uid, conditionsOf(flows), range)} icon="compass" onClick={onDismiss}>
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

function Matchers({ title, matchers }: { title: string; matchers: string[] }) {
  const styles = useStyles2(modalStyles);
  if (matchers.length === 0) {
    return null;
  }
  return (
    <>
      <h3 className={styles.title}>{title}</h3>
      {matchers.map((matcher) => (
        <p key={matcher} className={styles.code}>
          {matcher}
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
