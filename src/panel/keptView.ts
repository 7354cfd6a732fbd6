import { locationService } from '@grafana/runtime';
import { useEffect, useRef } from 'react';

import { groupSorts, type CellCondition } from './engine/protocol';
import type { FlowsModel } from './FlowsModel';
import { isInExplore } from './lastMinutes';
import { defaultView, type FlowsPanelOptions, type ViewState } from './options';
import { isColumn } from './table/columns';

/** The parameter of Explore's URL with the view of each pane. */
export const viewParameter = 'flows';

/** Pause after a change until it is kept, in milliseconds. */
const keepAfterMs = 400;

/** Maximum length of a text or list that is kept: URLs have a limit, and anybody writes them. */
const maxText = 1_000;
const maxItems = 50;

/** The view that was kept: in the panel's options, or in Explore's URL, where a panel has no options. */
export function keptView(options: FlowsPanelOptions, pane: string): ViewState {
  const kept = isInExplore() ? ofUrl()[pane] : options.view;
  return { ...defaultView, ...readView(kept) };
}

/** Keeps the view of a model whenever it changes. */
export function useKeptView(
  model: FlowsModel | undefined,
  options: FlowsPanelOptions,
  onOptionsChange: (options: FlowsPanelOptions) => void,
  pane: string
): void {
  const latest = useRef({ options, onOptionsChange, pane });
  useEffect(() => {
    latest.current = { options, onOptionsChange, pane };
  });
  useEffect(() => {
    if (!model) {
      return;
    }
    let timer: ReturnType<typeof setTimeout> | undefined;
    let seen = model.getState().spec;
    const keep = () => {
      const { options, onOptionsChange, pane } = latest.current;
      const view = changesOf(model.getState().spec);
      if (!isInExplore()) {
        onOptionsChange({ ...options, view });
        return;
      }
      const views = { ...ofUrl(), [pane]: view };
      const entries = Object.entries(views).filter(([, one]) => Object.keys(one ?? {}).length > 0);
      const value = entries.length > 0 ? JSON.stringify(Object.fromEntries(entries)) : null;
      locationService.partial({ [viewParameter]: value }, true);
    };
    const stop = model.subscribe(() => {
      const { spec } = model.getState();
      if (JSON.stringify(changesOf(spec)) === JSON.stringify(changesOf(seen))) {
        return;
      }
      seen = spec;
      clearTimeout(timer);
      timer = setTimeout(keep, keepAfterMs);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [model]);
}

/** What differs from the default view. */
function changesOf(view: ViewState): Partial<ViewState> {
  const keys = Object.keys(defaultView) as Array<keyof ViewState>;
  const changed = keys.filter((key) => JSON.stringify(view[key]) !== JSON.stringify(defaultView[key]));
  return Object.fromEntries(changed.map((key) => [key, view[key]]));
}

function ofUrl(): Record<string, unknown> {
  try {
    const views: unknown = JSON.parse(String(locationService.getSearchObject()[viewParameter]));
    return typeof views === 'object' && views !== null ? { ...views } : {};
  } catch {
    return {};
  }
}

/** The valid part of a kept view, which may be anything. */
function readView(kept: unknown): Partial<ViewState> {
  if (typeof kept !== 'object' || kept === null) {
    return {};
  }
  const { text, verdicts, agreements, conditions, fold, groupBy, groupSort, sort, descending } = kept as Record<
    string,
    unknown
  >;
  const list = (items: unknown): unknown[] => (Array.isArray(items) ? items.slice(0, maxItems) : []);
  const sortOf = groupSorts.find((one) => one === groupSort);
  return {
    ...(isText(text) && { text }),
    verdicts: list(verdicts).filter(isText),
    agreements: list(agreements).filter(isText),
    conditions: list(conditions).filter(isCondition),
    ...(typeof fold === 'boolean' && { fold }),
    groupBy: [...new Set(list(groupBy).filter(isColumn))].filter((column) => column !== 'time'),
    ...(sortOf && { groupSort: sortOf }),
    ...(isColumn(sort) && { sort }),
    ...(typeof descending === 'boolean' && { descending }),
  };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxText;
}

function isCondition(value: unknown): value is CellCondition {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const { column, value: text, excluded } = value as Record<string, unknown>;
  return isColumn(column) && column !== 'time' && isText(text) && typeof excluded === 'boolean';
}
