import { css } from '@emotion/css';
import { AppEvents, BusEventWithPayload, type GrafanaTheme2 } from '@grafana/data';
import { getAppEvents } from '@grafana/runtime';
import { Alert, useStyles2, type AlertVariant } from '@grafana/ui';
import { useEffect, useState } from 'react';

interface Toast {
  id: number;
  severity: AlertVariant;
  title: string;
  text?: string;
}

const shownMs = 5000;
const kinds = [
  { event: AppEvents.alertSuccess, severity: 'success' },
  { event: AppEvents.alertWarning, severity: 'warning' },
  { event: AppEvents.alertError, severity: 'error' },
] as const;

function eventType(name: string) {
  return class extends BusEventWithPayload<string[]> {
    static type = name;
  };
}

/** Messages of plugins through Grafana's app events, shown for five seconds. */
export function Toasts() {
  const styles = useStyles2(getStyles);
  const [toasts, setToasts] = useState<Toast[]>([]);
  useEffect(() => {
    let lastId = 0;
    const subscriptions = kinds.map(({ event, severity }) =>
      getAppEvents().subscribe(eventType(event.name), ({ payload: [title = '', text] }) => {
        const id = ++lastId;
        setToasts((now) => [...now, { id, severity, title, text }]);
        setTimeout(() => setToasts((now) => now.filter((toast) => toast.id !== id)), shownMs);
      })
    );
    return () => subscriptions.forEach((subscription) => subscription.unsubscribe());
  }, []);
  return (
    <div className={styles} aria-live="polite">
      {toasts.map(({ id, severity, title, text }) => (
        <Alert key={id} severity={severity} title={title} elevated>
          {text}
        </Alert>
      ))}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) =>
  css({ position: 'fixed', right: theme.spacing(2), top: theme.spacing(6), zIndex: theme.zIndex.portal, width: 400 });
