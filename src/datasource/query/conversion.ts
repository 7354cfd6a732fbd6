import { modeOf, selectionOf, type FlowForm, type FlowSelection } from './model';

/** An error or warning about a part of a line. Positions are in UTF-16 units. */
export interface LineProblem {
  text: string;
  start: number;
  end: number;
}

/** The answer of the resource `convert`. */
export interface Conversion {
  /** Absent where the line has errors. */
  form?: FlowForm;
  /** The line in its shortest form. */
  text?: string;
  /** The line with the ad hoc filters in it; null while it contains variables. */
  command?: string | null;
  errors: LineProblem[];
  /** Parts that are accepted and have no effect. */
  warnings: LineProblem[];
}

/** The body for the resource `convert`: the line or the form, not both. */
export function conversionRequest(selection: FlowSelection): FlowSelection {
  const { text, adhocFilters, ...form } = selectionOf(selection);
  delete form.editorMode;
  const beside = adhocFilters ? { adhocFilters } : {};
  return modeOf(selection) === 'text' ? { text: text ?? '', ...beside } : { ...form, ...beside };
}

/** The selection in its other form; undefined where the line has errors. */
export function fromConversion(selection: FlowSelection, conversion: Conversion): FlowSelection | undefined {
  const { adhocFilters } = selection;
  const beside = adhocFilters ? { adhocFilters } : {};
  if (conversion.errors.length > 0 || !conversion.form) {
    return undefined;
  }
  return modeOf(selection) === 'text'
    ? { ...conversion.form, ...beside, editorMode: 'builder' }
    : { text: conversion.text ?? '', ...beside, editorMode: 'text' };
}
