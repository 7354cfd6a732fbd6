import { css } from '@emotion/css';
import { type FieldConfigSource, type GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';

/** The message of an empty panel: its option *No value*, or else *No data*. */
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
