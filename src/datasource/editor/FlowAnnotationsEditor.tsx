import { defaultAnnotations, maxAnnotations, type FlowAnnotationsQuery } from '../query/model';
import { text } from '../text';
import { LimitInput } from './LimitInput';
import { QueryRows, type EditorProps } from './QueryRows';

/** The editor of drop annotations: filters and limit. */
export function FlowAnnotationsEditor(props: EditorProps<FlowAnnotationsQuery>) {
  return (
    <QueryRows {...props}>
      <LimitInput {...props} words={text.flowAnnotations} defaultLimit={defaultAnnotations} max={maxAnnotations} />
    </QueryRows>
  );
}
