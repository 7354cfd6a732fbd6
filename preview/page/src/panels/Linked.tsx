import { type FieldDisplay } from '@grafana/data';
import { DataLinksContextMenu } from '@grafana/ui';
import { type ComponentProps, type CSSProperties, type JSX } from 'react';

type Api = Parameters<ComponentProps<typeof DataLinksContextMenu>['children']>[0];

interface LinkedProps {
  value: FieldDisplay;
  style: CSSProperties;
  children: (api: Api) => JSX.Element;
}

/** A value with a menu of its data links, if it has any. */
export function Linked({ value, style, children }: LinkedProps) {
  const { hasLinks, getLinks } = value;
  return hasLinks && getLinks ? (
    <DataLinksContextMenu links={getLinks} style={style}>
      {children}
    </DataLinksContextMenu>
  ) : (
    children({})
  );
}
