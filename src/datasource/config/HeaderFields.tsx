import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { ConfigSubSection } from '@grafana/plugin-ui';
import { Button, IconButton, useStyles2 } from '@grafana/ui';

import { testIds } from '../testIds';
import { text } from './text';
import { SecretField } from './SecretField';
import { isHeaderName, type Settings } from './settings';
import { TextField } from './TextField';

const words = text.headers;
/** Upper bound, as in the backend. */
const maxHeaders = 64;

/**
 * Custom HTTP headers, such as a tenant. Not the `CustomHeaders` of `@grafana/plugin-ui`: it numbers the headers anew
 * when one is removed, and so sends a stored value under the name of another header.
 */
export function HeaderFields({ settings }: { settings: Settings }) {
  const styles = useStyles2(headerStyles);
  const numbers = settings.headers();
  return (
    <ConfigSubSection title={words.title} description={words.description}>
      {numbers.map((number) => {
        const name = settings.plain[`httpHeaderName${number}`] ?? '';
        return (
          <div key={number} className={styles.row}>
            <TextField
              {...settings.field(`httpHeaderName${number}`)}
              label={words.name}
              placeholder="X-Scope-OrgID"
              error={name.trim() !== '' && !isHeaderName(name) ? words.nameError : undefined}
              width={30}
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
    </ConfigSubSection>
  );
}

function headerStyles(theme: GrafanaTheme2) {
  return {
    row: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(1) }),
    // Level with the inputs, which stand below their labels.
    remove: css({ marginTop: theme.spacing(3.5) }),
  };
}
