import type { AnnotationQuery, AnnotationSupport } from '@grafana/data';

import { queryTypeOf, withType, type HubbleQuery } from './query/model';

/**
 * The query of an annotation. One that asks for flows in another form asks for their drops; one that is in
 * order stays the same object.
 */
export function annotationTarget(query: HubbleQuery | undefined): HubbleQuery {
  const given: HubbleQuery = query ?? { refId: 'Anno', queryType: 'flowAnnotations' };
  const type = queryTypeOf(given);
  if (type !== 'flowAnnotations' && type !== 'promql') {
    return withType(given, 'flowAnnotations');
  }
  // Named, so that Grafana does not put the default type of annotations in its place.
  return given.queryType === type ? given : ({ ...given, queryType: type } as HubbleQuery);
}

/** An annotation with the query that a dashboard of schema 2 keeps. */
type WithSpec = AnnotationQuery<HubbleQuery> & { query?: { kind: string; spec: HubbleQuery } };

/** Marks on a time axis: the first drop of each pair, or what PromQL says. */
export const flowAnnotations: AnnotationSupport<HubbleQuery> = {
  /**
   * Grafana's editor stores what differs from the annotation it holds, by identity, and asks again before it runs
   * the query: an annotation in order has to come back as it is.
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
