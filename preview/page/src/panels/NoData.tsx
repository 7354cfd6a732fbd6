import { css } from '@emotion/css';
import { type FieldConfigSource, type GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

/** What an empty panel says: the field option "No value", else as Grafana does. */
export function NoData({ fieldConfig, message = 'No data' }: { fieldConfig?: FieldConfigSource; message?: string }) {
  return <div className={useStyles2(styles)}>{fieldConfig?.defaults.noValue ?? message}</div>;
}

const styles = (theme: GrafanaTheme2) =>
  css({
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'center',
    height: '100%',
    color: theme.colors.text.secondary,
  });
