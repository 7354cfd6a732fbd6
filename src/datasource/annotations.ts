import type { AnnotationQuery, AnnotationSupport } from '@grafana/data';

import { queryTypeOf, withType, type HubbleQuery } from './query/model';

/** The query of an annotation. One that asks for flows in another form asks for their drops. */
export function annotationTarget(query: HubbleQuery | undefined): HubbleQuery {
  const given: HubbleQuery = query ?? { refId: 'Anno', queryType: 'flowAnnotations' };
  const type = queryTypeOf(given);
  return type === 'flowAnnotations' || type === 'promql' ? given : withType(given, 'flowAnnotations');
}

/** Marks on a time axis: the first drop of each pair, or what PromQL says. */
export const flowAnnotations: AnnotationSupport<HubbleQuery> = {
  prepareAnnotation: (annotation: AnnotationQuery<HubbleQuery>) => ({
    ...annotation,
    target: annotationTarget(annotation.target),
  }),
  prepareQuery: ({ target }) => annotationTarget(target),
  getDefaultQuery: () => ({ queryType: 'flowAnnotations' }),
};
