import type { GrafanaTheme2 } from '@grafana/data';
import type { BadgeColor } from '@grafana/ui';

import { verdictColors } from '../datasource/query/generated';
import type { Computed } from './engine/protocol';

/** Verdicts by importance. Unknown verdicts of a newer Cilium come last. */
const order = ['DROPPED', 'ERROR', 'AUDIT', 'REDIRECTED', 'FORWARDED', 'TRANSLATED', 'TRACED', 'VERDICT_UNKNOWN'];

export function inOrder(verdicts: readonly string[]): string[] {
  const place = (verdict: string) => {
    const at = order.indexOf(verdict);
    return at < 0 ? order.length : at;
  };
  return [...verdicts].sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** Results of comparing flows with policies, by importance. */
const agreementOrder = ['differs', 'judged by later policies', 'cannot tell', 'agrees'];

export function agreementsInOrder(agreements: readonly string[]): string[] {
  return [...agreements].sort((a, b) => agreementOrder.indexOf(a) - agreementOrder.indexOf(b));
}

export function toneOfAgreement(agreement: string): VerdictTone {
  switch (agreement) {
    case 'agrees':
      return 'good';
    case 'differs':
      return 'bad';
    case 'cannot tell':
    case 'judged by later policies':
      return 'doubtful';
    default:
      return 'neutral';
  }
}

export function toneOfComputed(verdict: Computed): VerdictTone {
  return computedTones[verdict];
}

const computedTones: Record<Computed, VerdictTone> = { allowed: 'good', denied: 'bad', 'cannot tell': 'doubtful' };

/** The tones of verdicts, independent of the theme. */
export type VerdictTone = 'bad' | 'doubtful' | 'diverted' | 'good' | 'passing' | 'neutral';

type VerdictColor = (typeof verdictColors)[keyof typeof verdictColors];

const tones: Record<VerdictColor, VerdictTone> = {
  red: 'bad',
  orange: 'doubtful',
  blue: 'diverted',
  green: 'good',
  purple: 'passing',
};

const colors = new Map<string, VerdictColor>(Object.entries(verdictColors));

/** The tone of a verdict; neutral for an unknown one. */
export function toneOf(verdict: string): VerdictTone {
  const color = colors.get(verdict);
  return color ? tones[color] : 'neutral';
}

/** Colours of Grafana's badges, by tone. */
export const badgeColors: Record<VerdictTone, BadgeColor> = {
  bad: 'red',
  doubtful: 'orange',
  diverted: 'blue',
  good: 'green',
  passing: 'purple',
  neutral: 'darkgrey',
};

/** Colours that keep their contrast in both themes. */
export function toneColors(theme: GrafanaTheme2): Record<VerdictTone, { text: string; mark: string }> {
  const { error, warning, info, success, text, border } = theme.colors;
  const { getColorByName } = theme.visualization;
  return {
    bad: { text: error.text, mark: error.main },
    doubtful: { text: warning.text, mark: warning.main },
    diverted: { text: info.text, mark: info.main },
    good: { text: success.text, mark: success.main },
    passing: { text: getColorByName(theme.isDark ? 'light-purple' : 'dark-purple'), mark: getColorByName('purple') },
    neutral: { text: text.secondary, mark: border.strong },
  };
}
