const key = 'preview.theme';

export type ThemeName = 'dark' | 'light';

/** The theme: the one chosen last, else dark, as Grafana has it. */
export function chosenTheme(): ThemeName {
  return window.localStorage.getItem(key) === 'light' ? 'light' : 'dark';
}

/** Chooses a theme and loads the page anew: Grafana's config reads it once. */
export function chooseTheme(theme: ThemeName) {
  window.localStorage.setItem(key, theme);
  window.location.reload();
}
