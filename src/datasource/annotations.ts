import type { AnnotationQuery, AnnotationSupport } from '@grafana/data';

import { queryTypeOf, withType, type HubbleQuery } from './query/model';

/**
 * The query of an annotation: drop annotations or PromQL. Another flow query becomes drop annotations of the same flows.
 * A query that needs no change stays the same object.
 */
export function annotationTarget(query: HubbleQuery | undefined): HubbleQuery {
  const given: HubbleQuery = query ?? { refId: 'Anno', queryType: 'flowAnnotations' };
  const type = queryTypeOf(given);
  if (type !== 'flowAnnotations' && type !== 'promql') {
    return withType(given, 'flowAnnotations');
  }
  // Without an explicit type Grafana would insert the default type of annotations.
  return given.queryType === type ? given : ({ ...given, queryType: type } as HubbleQuery);
}

/** An annotation as stored in a dashboard of schema v2. */
type WithSpec = AnnotationQuery<HubbleQuery> & { query?: { kind: string; spec: HubbleQuery } };

/** Annotations: the first drop of each pair, or the events of a PromQL expression. */
export const flowAnnotations: AnnotationSupport<HubbleQuery> = {
  /**
   * Grafana's editor stores every annotation that is not the same object, before each run: one that needs no change must
   * be returned as it is.
   */
  prepareAnnotation: (annotation: WithSpec) => {
    const { target: given, query } = annotation;
    const spec = query?.spec;
    const target = annotationTarget(spec ?? given);
    if (target === given || (target === spec && given === undefined)) {
      return annotation;
    }
    return { ...annotation, target, ...(query && { query: { ...query, spec: target } }) };
  },
  prepareQuery: (annotation: WithSpec) => annotationTarget(annotation.query?.spec ?? annotation.target),
  getDefaultQuery: () => ({ queryType: 'flowAnnotations' }),
};
