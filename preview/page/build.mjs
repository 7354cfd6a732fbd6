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
 * Every `@grafana/*` resolves to its ES modules: a `require` from a CommonJS file would load a
 * second copy of the library, with singletons of its own.
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
  // scenes reads `defaultOptions` from it, which this version no longer has: an error between ES
  // modules, undefined from CommonJS.
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

/** The icons that @grafana/ui asks for by name and does not carry, as far as Unicons has them. */
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
}

/** The fonts that @grafana/ui's style sheet names and does not carry. */
const fonts = {
  'inter/Inter-Regular.woff2': '@fontsource/inter/files/inter-latin-400-normal.woff2',
  'inter/Inter-Italic.woff2': '@fontsource/inter/files/inter-latin-400-italic.woff2',
  'inter/Inter-Medium.woff2': '@fontsource/inter/files/inter-latin-500-normal.woff2',
  'roboto/L0xTDF4xlVMF-BfR8bXMIhJHg45mwgGEFl0_3vrtSM1J-gEPT5Ese6hmHSh0mQ.woff2':
    '@fontsource/roboto-mono/files/roboto-mono-latin-400-normal.woff2',
};

async function copyFonts() {
  for (const [name, file] of Object.entries(fonts)) {
    const to = path.join(out, 'public', 'fonts', name);
    await mkdir(path.dirname(to), { recursive: true });
    await copyFile(require.resolve(file), to);
  }
}

await rm(out, { recursive: true, force: true });
await mkdir(assets, { recursive: true });
await writeIcons();
await copyFonts();
await copyFile(path.join(room, 'index.html'), path.join(out, 'index.html'));
await build({
  // `page` is an entry of its own so that its style sheet has a name that index.html can give.
  entryPoints: {
    main: path.join(room, 'src', 'main.ts'),
    page: path.join(room, 'src', 'page.tsx'),
    // What Grafana's code editor works with in the background.
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
  plugins: [grafanaAsEsModules],
  logLevel: 'warning',
  // systemjs names itself a "script", which the field does not know.
  logOverride: { 'package.json': 'silent', 'import-is-undefined': 'silent' },
});
