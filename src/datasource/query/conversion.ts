import { modeOf, selectionOf, type FlowForm, type FlowSelection } from './model';

/** A remark on a part of a line; places in UTF-16 units. */
export interface LineProblem {
  text: string;
  start: number;
  end: number;
}

/** Answer of the resource `convert`. */
export interface Conversion {
  /** Absent where the line has errors. */
  form?: FlowForm;
  /** The line in its shortest form. */
  text?: string;
  /** The line and the ad hoc filters beside it; null while variables stand in it. */
  command?: string | null;
  errors: LineProblem[];
  /** What was accepted and not used. */
  remarks: LineProblem[];
}

/** What the resource `convert` takes: the line or the form, not both. */
export function convertible(selection: FlowSelection): FlowSelection {
  const { text, adhocFilters, ...form } = selectionOf(selection);
  delete form.editorMode;
  const beside = adhocFilters ? { adhocFilters } : {};
  return modeOf(selection) === 'text' ? { text: text ?? '', ...beside } : { ...form, ...beside };
}

/** The selection written in the other way; undefined where the line has errors. */
export function converted(selection: FlowSelection, conversion: Conversion): FlowSelection | undefined {
  const { adhocFilters } = selection;
  const beside = adhocFilters ? { adhocFilters } : {};
  if (conversion.errors.length > 0 || !conversion.form) {
    return undefined;
  }
  return modeOf(selection) === 'text'
    ? { ...conversion.form, ...beside, editorMode: 'builder' }
    : { text: conversion.text ?? '', ...beside, editorMode: 'text' };
}
