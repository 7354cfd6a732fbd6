import { ConfigSection } from '@grafana/plugin-ui';

import { testIds } from '../testIds';
import { NumberField } from './NumberField';
import type { Settings } from './settings';
import { text } from './text';
import { Toggle } from './Toggle';

const words = text.alertRules;

/** The completeness that alert rules about flows need. */
export function AlertRulesSection({ settings }: { settings: Settings }) {
  return (
    <ConfigSection title={words.title} description={words.description} isCollapsible isInitiallyOpen={false}>
      <NumberField
        {...settings.field('alertsMaxLostPercent')}
        label={words.maxLost}
        description={words.maxLostHint}
        placeholder="5"
        min={0}
        max={100}
        unit="%"
        testId={testIds.config.alertsMaxLost}
      />
      <Toggle
        {...settings.field('alertsCountIncomplete')}
        label={words.countIncomplete}
        description={words.countIncompleteHint}
        testId={testIds.config.alertsCountIncomplete}
      />
    </ConfigSection>
  );
}
