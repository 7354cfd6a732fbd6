import type { QueryResultMetaNotice, TimeRange, TimeZone } from '@grafana/data';
import { useState } from 'react';

import { isForgotten, type PackedAnswer } from './frames';
import { showLastMinutes } from './lastMinutes';
import { EmptyAnswer } from './States';
import { text } from './text';
import { shortTimes } from './when';

interface Props {
  answer: PackedAnswer;
  /** What the answer lacks, in the reader's zone. */
  notices: QueryResultMetaNotice[];
  timeRange: TimeRange;
  timeZone: TimeZone;
  /** The data sources that were asked. */
  sources: string[];
}

/** An answer without flows: that there were none is said only where everything was seen. */
export function NoFlows({ answer, notices, timeRange, timeZone, sources }: Props) {
  const { memory } = answer;
  const [nowMs] = useState(() => Date.now());
  if (memory && isForgotten(memory)) {
    const [ended = '', begins = ''] = shortTimes([memory.rangeEnd, memory.begins], nowMs, timeZone);
    return (
      <EmptyAnswer
        title={text.states.forgotten(ended, begins)}
        hint={text.states.forgottenHint}
        action={{ label: text.states.lastMinutes, run: () => showLastMinutes(timeRange.raw, sources) }}
      />
    );
  }
  const lacks = notices.filter(({ severity }) => severity !== 'info').map((notice) => notice.text);
  if (memory && memory.completeSince > timeRange.from.valueOf()) {
    const [since = ''] = shortTimes([memory.completeSince], nowMs, timeZone);
    lacks.push(text.states.memoryBegins(since));
  }
  if (lacks.length > 0) {
    return <EmptyAnswer title={text.states.noFlowsSeen} hint={text.states.noFlowsSeenHint} reasons={lacks} />;
  }
  return memory ? (
    <EmptyAnswer title={text.states.noFlows} hint={text.states.noFlowsHint} />
  ) : (
    <EmptyAnswer title={text.states.noFlowsKnown} hint={text.states.noFlowsKnownHint} />
  );
}
