// @ts-check
// Builds the page: `node preview/page/build.mjs` → preview/page/build/.
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);
const room = import.meta.dirname;
const out = path.join(room, 'build');
const assets = path.join(out, 'public', 'build');
const grafana = path.join(room, '..', '..', 'node_modules', '@grafana');

/**
 * The ES modules of every `@grafana/*`. A `require` from a CommonJS file would load a second copy of the library, with
 * its own singletons.
 * @type {Record<string, string>}
 */
const esModules = {
  '@grafana/data': 'data/dist/esm/index.mjs',
  '@grafana/data/unstable': 'data/dist/esm/unstable.mjs',
  '@grafana/e2e-selectors': 'e2e-selectors/dist/esm/index.mjs',
  '@grafana/i18n': 'i18n/dist/esm/index.mjs',
  '@grafana/runtime': 'runtime/dist/esm/index.mjs',
  '@grafana/runtime/unstable': 'runtime/dist/esm/unstable.mjs',
  '@grafana/scenes': 'scenes/dist/esm/packages/scenes/src/index.js',
  '@grafana/schema': 'schema/dist/esm/index.mjs',
  '@grafana/ui': 'ui/dist/esm/index.mjs',
  '@grafana/ui/unstable': 'ui/dist/esm/unstable.mjs',
  // scenes reads `defaultOptions`, which this version lacks: an error in ES modules, undefined in CommonJS.
  '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen':
    'schema/dist/cjs/raw/composable/table/panelcfg/x/types.gen.cjs',
};

/** @type {import('esbuild').Plugin} */
const grafanaAsEsModules = {
  name: 'grafana-as-es-modules',
  setup(plugin) {
    plugin.onResolve({ filter: /^@grafana\// }, ({ path: name }) => {
      const file = esModules[name];
      return file ? { path: path.join(grafana, file) } : undefined;
    });
  },
};

/** Writes the icons that @grafana/ui loads by name and does not carry, from Unicons. */
async function writeIcons() {
  /** @type {Record<string, { body: string }>} */
  const icons = require('@iconify-json/uil/icons.json').icons;
  /** @type {{ availableIconsIndex: Record<string, true> }} */
  const { availableIconsIndex } = await import(path.join(grafana, 'data/dist/esm/types/icon.mjs'));
  const dir = path.join(assets, 'img', 'icons', 'unicons');
  await mkdir(dir, { recursive: true });
  for (const name of Object.keys(availableIconsIndex).filter((name) => name in icons)) {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">${icons[name]?.body}</svg>`;
    await writeFile(path.join(dir, `${name}.svg`), svg);
  }
  // Grafana's own, for a panel whose answer is under way.
  const mono = path.join(assets, 'img', 'icons', 'mono');
  await mkdir(mono, { recursive: true });
  const circle = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="10"/></svg>';
  await writeFile(path.join(mono, 'circle-mono.svg'), circle);
}

/**
 * Leaves out the fonts of @grafana/ui's style sheet, whose files it does not carry.
 * @type {import('esbuild').Plugin}
 */
const systemFonts = {
  name: 'system-fonts',
  setup(plugin) {
    plugin.onLoad({ filter: /GlobalStyles[/\\]fonts\.mjs$/ }, () => ({
      contents: 'export const getFontStyles = () => ({});',
    }));
  },
};

await rm(out, { recursive: true, force: true });
await mkdir(assets, { recursive: true });
await writeIcons();
await copyFile(path.join(room, 'index.html'), path.join(out, 'index.html'));
await build({
  // `page` is an entry, so that its style sheet has a fixed name for index.html.
  entryPoints: {
    main: path.join(room, 'src', 'main.ts'),
    page: path.join(room, 'src', 'page.tsx'),
    // The worker of Grafana's code editor.
    monaco: require.resolve('monaco-editor/esm/vs/editor/editor.worker.js'),
  },
  outdir: assets,
  bundle: true,
  absWorkingDir: room,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  jsx: 'automatic',
  chunkNames: 'chunks/[name]-[hash]',
  assetNames: 'assets/[name]-[hash]',
  mainFields: ['module', 'browser', 'main'],
  define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
  alias: { 'react-router-dom-v5-compat': 'react-router-dom' },
  loader: { '.svg': 'file', '.ttf': 'file' },
  plugins: [grafanaAsEsModules, systemFonts],
  logLevel: 'warning',
  // systemjs names itself a "script", which the field does not know.
  logOverride: { 'package.json': 'silent', 'import-is-undefined': 'silent' },
});
