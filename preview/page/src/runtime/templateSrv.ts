import { type ScopedVars, type TimeRange, type TypedVariableModel } from '@grafana/data';
import { type TemplateSrv } from '@grafana/runtime';
import { sceneGraph, SceneReactObject, type SceneObject } from '@grafana/scenes';

declare global {
  interface Window {
    /** Set by scenes while a scene is shown. */
    __grafanaSceneContext?: SceneObject;
  }
}

const variable = /\$\w+|\$\{[^}]+\}|\[\[[^\]]+\]\]/;

/** The scene where none is shown: only scoped variables are replaced. */
const noScene = new SceneReactObject({});

function sceneOf(scopedVars?: ScopedVars): SceneObject {
  return scopedVars?.__sceneObject?.value?.valueOf() ?? window.__grafanaSceneContext ?? noScene;
}

/** Grafana's TemplateSrv on the variables of the calling scene, or else of the shown one. */
export const templateSrv: TemplateSrv = {
  replace: (target = '', scopedVars, format) =>
    sceneGraph.interpolate(
      sceneOf(scopedVars),
      target,
      scopedVars,
      format as Parameters<typeof sceneGraph.interpolate>[3]
    ),
  getVariables: () =>
    sceneGraph
      .getVariables(sceneOf())
      .state.variables.map(({ state }) => ({ ...state, id: state.name }) as unknown as TypedVariableModel),
  containsTemplate: (target = '') => variable.test(target),
  updateTimeRange: (_timeRange: TimeRange) => undefined,
};
