import { css, cx } from '@emotion/css';
import { dateTimeFormat, type GrafanaTheme2, type TimeZone } from '@grafana/data';
import { Icon, useStyles2 } from '@grafana/ui';
import { useEffect, useState } from 'react';

import { testIds } from '../testIds';
import { text } from '../text';
import { shortTimes } from '../when';
import type { PoliciesFreshness } from './policyFrames';

interface Props {
  freshness: PoliciesFreshness | undefined;
  timeZone: TimeZone;
}

/** How fresh the policies of a cluster are, wherever a verdict is shown. Nothing for policies of files. */
export function Freshness({ freshness, timeZone }: Props) {
  const styles = useStyles2(freshnessStyles);
  const nowMs = useNow();
  if (!freshness) {
    return null;
  }
  const isDoubtful = freshness.staleSince !== undefined || freshness.problems.length > 0;
  return (
    <span
      className={cx(styles.freshness, isDoubtful && styles.doubtful)}
      title={freshness.problems.join('\n') || undefined}
      data-testid={testIds.freshness}
    >
      {isDoubtful && <Icon name="exclamation-triangle" size="sm" aria-hidden />}
      {freshnessWords(freshness, timeZone, nowMs)}
    </span>
  );
}

/** The present, which moves on while nothing else changes. */
function useNow(): number {
  const [nowMs, setNowMs] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 30_000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

/** The freshness as a phrase, with times as short as is unambiguous at `nowMs`. */
export function freshnessWords(freshness: PoliciesFreshness, timeZone: TimeZone, nowMs: number): string {
  const { checked, read, staleSince, reading, problems } = freshness;
  if (staleSince !== undefined) {
    const [since = ''] = shortTimes([staleSince], nowMs, timeZone);
    return text.freshness.stale(since);
  }
  if (reading) {
    return text.freshness.reading;
  }
  if (read === undefined) {
    return text.freshness.unread;
  }
  const toSecond = (timeMs: number) => {
    const isToday = say(timeMs, day, timeZone) === say(nowMs, day, timeZone);
    return say(timeMs, isToday ? 'HH:mm:ss' : `${day} HH:mm:ss`, timeZone);
  };
  if (problems.length > 0) {
    return text.freshness.partlyWatched(toSecond(read));
  }
  // An answer that stays, as in a snapshot, cannot say more than at its time.
  return nowMs - checked > oldAnswerMs
    ? text.freshness.watchedUntil(toSecond(read), toSecond(checked))
    : text.freshness.watched(toSecond(read));
}

const day = 'YYYY-MM-DD';

/** The age from which an answer no longer speaks of the present. */
const oldAnswerMs = 2 * 60_000;

function say(timeMs: number, format: string, timeZone: TimeZone): string {
  return dateTimeFormat(timeMs, { timeZone, format });
}

function freshnessStyles(theme: GrafanaTheme2) {
  return {
    freshness: css({
      display: 'inline-flex',
      alignItems: 'center',
      gap: theme.spacing(0.5),
      color: theme.colors.text.secondary,
      fontSize: theme.typography.bodySmall.fontSize,
    }),
    doubtful: css({ color: theme.colors.warning.text }),
  };
}
