import { css } from '@emotion/css';
import type { GrafanaTheme2, QueryEditorProps } from '@grafana/data';
import { Combobox, Field, Input, useStyles2, type ComboboxOption } from '@grafana/ui';
import { useId, useState } from 'react';

import type { HubbleDataSource } from '../datasource';
import type { HubbleQuery } from '../query/model';
import { testIds } from '../testIds';
import { text } from '../text';
import type { HubbleSettings } from '../types';
import { useCommitOnBlur } from '../useDraft';
import {
  variableCall,
  variableCallText,
  variableFunctions,
  variableText,
  type VariableCall,
  type VariableFunction,
  type VariableQuery,
} from './query';

type Props = QueryEditorProps<HubbleDataSource, HubbleQuery, HubbleSettings, VariableQuery>;

/** The choice of writing the query as text. */
const asText = 'text';

/** The editor of a dashboard variable: a Hubble function with its arguments, or one line of text. Both are stored as text. */
export function VariableEditor({ query, onChange, datasource }: Props) {
  const styles = useStyles2(variableStyles);
  const kindId = useId();
  const line = variableText(query);
  const call = variableCall(line);
  const [chosenText, setChosenText] = useState(false);
  const refId = (typeof query === 'object' ? query?.refId : undefined) || 'variable';
  const shown = chosenText ? undefined : call;

  const ask = (next: string) => onChange({ ...(typeof query === 'object' ? query : {}), refId, query: next });
  const choose = (kind: VariableFunction | typeof asText) => {
    setChosenText(kind === asText);
    if (kind !== asText) {
      ask(variableCallText({ of: kind, arguments: shown?.arguments ?? {} }));
    }
  };
  return (
    <div className={styles.editor}>
      <Field label={text.variables.kind} htmlFor={kindId} noMargin>
        <Combobox<VariableFunction | typeof asText>
          id={kindId}
          value={shown?.of ?? asText}
          options={[
            ...(Object.keys(variableFunctions) as VariableFunction[]).map((value) => ({
              value,
              label: text.variables.kinds[value],
            })),
            { value: asText, label: text.variables.text, description: text.variables.textHint },
          ]}
          onChange={({ value }) => choose(value)}
        />
      </Field>
      {shown ? (
        <Narrowing
          key={shown.of}
          call={shown}
          onChange={(next) => ask(variableCallText(next))}
          datasource={datasource}
        />
      ) : (
        <TextQuery text={line} onChange={ask} />
      )}
    </div>
  );
}

interface NarrowingProps {
  call: VariableCall;
  onChange(call: VariableCall): void;
  datasource: HubbleDataSource;
}

/** The arguments that narrow the values: names, variables, patterns. */
function Narrowing({ call, onChange, datasource }: NarrowingProps) {
  const id = useId();
  const change = (name: keyof VariableCall['arguments'], value: string) =>
    onChange({ ...call, arguments: { ...call.arguments, [name]: value } });
  const suggest =
    (field: 'namespace' | 'workload') =>
    async (prefix: string): Promise<Array<ComboboxOption<string>>> => {
      const variables = datasource.templateVariables().map((value) => ({ value, group: text.flows.variables }));
      const filter = field === 'workload' ? { namespace: [call.arguments.namespace ?? ''] } : undefined;
      const { values } = await datasource
        .suggestions({ field, prefix, filter })
        .catch(() => ({ values: [] as string[] }));
      return [...variables, ...values.map((value) => ({ value }))];
    };
  return (
    <>
      {variableFunctions[call.of].map((name) =>
        name === 'pattern' ? (
          <Field
            key={name}
            label={text.variables.pattern}
            description={text.variables.patternHint}
            htmlFor={`${id}-pattern`}
            noMargin
          >
            <PatternInput
              id={`${id}-pattern`}
              value={call.arguments.pattern ?? ''}
              onCommit={(value) => change('pattern', value)}
            />
          </Field>
        ) : (
          <Field
            key={name}
            label={text.variables[name]}
            description={text.variables.narrowHint}
            htmlFor={`${id}-${name}`}
            noMargin
          >
            <Combobox<string>
              id={`${id}-${name}`}
              value={call.arguments[name] || null}
              options={suggest(name)}
              createCustomValue
              isClearable
              onChange={(option) => change(name, option?.value ?? '')}
            />
          </Field>
        )
      )}
    </>
  );
}

interface PatternProps {
  id: string;
  value: string;
  onCommit(value: string): void;
}

function PatternInput({ id, ...props }: PatternProps) {
  const { input } = useCommitOnBlur(props);
  return <Input id={id} placeholder="store-*" {...input} data-testid={testIds.variablePattern} />;
}

/** The variable's query as one line of text. */
function TextQuery({ text: given, onChange }: { text: string; onChange(line: string): void }) {
  const styles = useStyles2(variableStyles);
  const id = useId();
  const { input } = useCommitOnBlur({ value: given, onCommit: onChange });
  return (
    <>
      <Field label={text.variables.query} htmlFor={id} noMargin>
        <Input id={id} placeholder={text.variables.placeholder} {...input} data-testid={testIds.variableQuery} />
      </Field>
      <dl className={styles.forms}>
        {text.variables.forms.map(({ form, meaning }) => (
          <div key={form} className={styles.form}>
            <dt>
              <code>{form}</code>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function variableStyles(theme: GrafanaTheme2) {
  return {
    editor: css({
      display: 'flex',
      flexDirection: 'column',
      gap: theme.spacing(1.5),
      margin: theme.spacing(2, 0, 1),
      maxWidth: theme.spacing(80),
    }),
    forms: css({ fontSize: theme.typography.bodySmall.fontSize, color: theme.colors.text.secondary }),
    form: css({
      display: 'grid',
      gridTemplateColumns: 'minmax(180px, 260px) 1fr',
      gap: theme.spacing(1),
      marginBottom: theme.spacing(0.5),
      dd: { margin: 0 },
    }),
  };
}
