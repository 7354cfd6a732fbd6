import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, FieldSet, IconButton, useStyles2 } from '@grafana/ui';

import { testIds } from '../testIds';
import { text } from '../text';
import { SecretField } from './SecretField';
import { isHeaderName, type Settings } from './settings';
import { TextField } from './TextField';

const words = text.config.headers;
/** The backend's own bound. */
const maxHeaders = 64;

/** Headers beside those of the authentication, such as a tenant. */
export function HeaderFields({ settings }: { settings: Settings }) {
  const styles = useStyles2(headerStyles);
  const numbers = settings.headers();
  return (
    <FieldSet label={words.title}>
      <p>{words.description}</p>
      {numbers.map((number) => {
        const name = settings.plain[`httpHeaderName${number}`] ?? '';
        return (
          <div key={number} className={styles.row}>
            <TextField
              label={words.name}
              placeholder="X-Scope-OrgID"
              value={name}
              error={name.trim() !== '' && !isHeaderName(name) ? words.nameError : undefined}
              disabled={settings.readOnly}
              width={30}
              onChange={(name) => settings.set({ [`httpHeaderName${number}`]: name })}
              testId={testIds.config.headerName(number)}
            />
            <SecretField settings={settings} name={`httpHeaderValue${number}`} label={words.value} width={40} />
            <IconButton
              name="trash-alt"
              tooltip={words.remove(name)}
              className={styles.remove}
              disabled={settings.readOnly}
              onClick={() => settings.removeHeader(number)}
              data-testid={testIds.config.removeHeader(number)}
            />
          </div>
        );
      })}
      <Button
        variant="secondary"
        icon="plus"
        type="button"
        disabled={settings.readOnly || numbers.length >= maxHeaders}
        onClick={() => settings.addHeader()}
        data-testid={testIds.config.addHeader}
      >
        {words.add}
      </Button>
    </FieldSet>
  );
}

function headerStyles(theme: GrafanaTheme2) {
  return {
    row: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1) }),
    // Beside the inputs, which stand below their labels.
    remove: css({ marginTop: theme.spacing(3.5) }),
  };
}
