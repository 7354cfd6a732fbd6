import type { TimeRange, TimeZone } from '@grafana/data';
import { useState } from 'react';

import type { PackedAnswer } from './frames';
import { showLastMinutes } from './lastMinutes';
import { EmptyAnswer } from './States';
import { text } from './text';
import { shortTimes } from './when';

interface Props {
  answer: PackedAnswer;
  /** Reasons why flows may be missing, with times in the panel's zone. */
  lacks: string[];
  timeRange: TimeRange;
  timeZone: TimeZone;
  /** uids of the queried data sources. */
  sources: string[];
}

/** The message for an answer without flows. It says "no flows" only where nothing can be missing. */
export function NoFlows({ answer, lacks, timeRange, timeZone, sources }: Props) {
  const { memory } = answer;
  const [nowMs] = useState(() => Date.now());
  if (memory?.forgotten) {
    const [ended = '', begins = ''] = shortTimes([memory.rangeEnd, memory.begins], nowMs, timeZone);
    return (
      <EmptyAnswer
        title={text.states.forgotten(ended, begins)}
        hint={text.states.forgottenHint}
        reasons={lacks}
        action={{ label: text.states.lastMinutes, run: () => showLastMinutes(timeRange.raw, sources) }}
      />
    );
  }
  const reasons = [...lacks];
  if (memory && !memory.complete) {
    const [since = ''] = shortTimes([memory.completeSince], nowMs, timeZone);
    reasons.push(text.states.memoryBegins(since));
  }
  if (reasons.length > 0) {
    return <EmptyAnswer title={text.states.noFlowsSeen} hint={text.states.noFlowsSeenHint} reasons={reasons} />;
  }
  return memory ? (
    <EmptyAnswer title={text.states.noFlows} hint={text.states.noFlowsHint} />
  ) : (
    <EmptyAnswer title={text.states.noFlowsKnown} hint={text.states.noFlowsKnownHint} />
  );
}
