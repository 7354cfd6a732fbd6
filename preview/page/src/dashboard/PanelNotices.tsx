import { type QueryResultMetaNotice } from '@grafana/data';
import { sceneGraph, SceneObjectBase, type SceneComponentProps } from '@grafana/scenes';
import { Icon, PanelChrome, Tooltip } from '@grafana/ui';

const icons = { info: 'info-circle', warning: 'exclamation-triangle', error: 'exclamation-triangle' } as const;

/** The notices of a panel's frames, as icons with tooltips in its header. */
export class PanelNotices extends SceneObjectBase {
  static Component = PanelNoticesView;
}

function PanelNoticesView({ model }: SceneComponentProps<PanelNotices>) {
  const { data } = sceneGraph.getData(model).useState();
  const bySeverity = new Map<QueryResultMetaNotice['severity'], Set<string>>();
  for (const { severity, text } of data?.series.flatMap((frame) => frame.meta?.notices ?? []) ?? []) {
    bySeverity.set(severity, (bySeverity.get(severity) ?? new Set()).add(text));
  }
  return [...bySeverity].map(([severity, texts]) => (
    <Tooltip key={severity} content={<Texts texts={[...texts]} />} placement="top">
      <PanelChrome.TitleItem>
        <Icon name={icons[severity]} aria-label={`Notices: ${[...texts].join('; ')}`} />
      </PanelChrome.TitleItem>
    </Tooltip>
  ));
}

function Texts({ texts }: { texts: string[] }) {
  return texts.map((text) => <p key={text}>{text}</p>);
}
