// @ts-check
// One run per plugin.json. A single run for all three would put the chunks and
// the .wasm of the nested plugins beside the app's module, where Grafana answers
// 404 for them (grafana/plugin-tools#2172).
import { readFileSync } from 'node:fs';
import path from 'node:path';
import CopyPlugin from 'copy-webpack-plugin';
import webpack from 'webpack';

/**
 * @typedef {object} Room
 * @property {string} dir Where plugin.json and module.ts lie, relative to `src/` and to `dist/`.
 * @property {number} moduleBytes Limit for module.js, which Grafana loads before anything is drawn: the measured size and 5 %.
 * @property {RegExp} keep What the run leaves alone in its part of `dist/`, although it did not write it.
 * @property {{ from: string, to?: string }[]} documents Copied beside plugin.json where they exist.
 */

/** @type {Room[]} */
const rooms = [
  {
    dir: '.',
    moduleBytes: 8_820,
    keep: /^(datasource|panel)([/\\]|$)/,
    documents: [{ from: 'README.md' }, { from: 'CHANGELOG.md' }, { from: 'LICENSE' }],
  },
  { dir: 'datasource', moduleBytes: 134_500, keep: /^gpx_/, documents: [] },
  { dir: 'panel', moduleBytes: 13_920, keep: /^$/, documents: [] },
];

// Grafana hands these out at runtime; a second copy of any of them would not
// share its state (themes, React's hooks, the data source service…).
const externals = [
  '@emotion/css',
  '@emotion/react',
  '@grafana/data',
  '@grafana/runtime',
  '@grafana/ui',
  'd3',
  'emotion',
  'i18next',
  'jquery',
  'lodash',
  'moment',
  'prismjs',
  'react',
  'react/jsx-runtime',
  'react-dom',
  'react-redux',
  'react-router',
  'redux',
  'rxjs',
  'rxjs/operators',
  'slate',
  'slate-plain-serializer',
  'slate-react',
];

const root = import.meta.dirname;
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

/** @param {string} dir */
function idOf(dir) {
  return JSON.parse(readFileSync(path.join(root, 'src', dir, 'plugin.json'), 'utf8')).id;
}

/** The day that plugin.json names; `SOURCE_DATE_EPOCH` (seconds) makes a build repeatable. */
function updated() {
  const epochSecs = process.env.SOURCE_DATE_EPOCH;
  const at = epochSecs ? new Date(Number(epochSecs) * 1000) : new Date();
  return at.toISOString().slice(0, 10);
}

/**
 * @param {Room} room
 * @param {'production' | 'development'} mode
 * @returns {import('webpack').Configuration}
 */
function configuration(room, mode) {
  const source = path.join(root, 'src', room.dir);
  const id = idOf(room.dir);
  return {
    name: id,
    mode,
    target: 'web',
    context: path.join(root, 'src'),
    devtool: mode === 'production' ? 'source-map' : 'eval-source-map',
    entry: { module: [path.join(root, 'src', 'publicPath.ts'), path.join(source, 'module')] },
    output: {
      path: path.join(root, 'dist', room.dir),
      filename: '[name].js',
      chunkFilename: '[name].[contenthash].js',
      assetModuleFilename: '[contenthash][ext]',
      library: { type: 'amd' },
      // Where Grafana serves it; src/publicPath.ts corrects it to where the module came from.
      publicPath: `public/plugins/${id}/`,
      uniqueName: id,
      // Source maps name their sources alike for all three, relative to `src/`.
      devtoolNamespace: idOf('.'),
      clean: { keep: room.keep },
    },
    externals: [...externals, { 'amd-module': 'module' }],
    resolve: { extensions: ['.ts', '.tsx', '.mjs', '.js'] },
    module: {
      rules: [
        {
          // A worker as text: a worker by URL breaks where plugins come from a CDN.
          resourceQuery: /worker-text/,
          type: 'asset/source',
          use: path.join(root, 'webpack.workerText.mjs'),
        },
        {
          test: /\.tsx?$/,
          resourceQuery: { not: [/worker-text/] },
          exclude: /node_modules/,
          use: {
            loader: 'swc-loader',
            options: {
              jsc: {
                target: 'es2022',
                parser: { syntax: 'typescript', tsx: true },
                transform: { react: { runtime: 'automatic', development: false } },
              },
            },
          },
        },
        { test: /\.(wasm|svg|png)$/, type: 'asset/resource' },
      ],
    },
    plugins: [
      new CopyPlugin({
        patterns: [
          {
            from: path.join(source, 'plugin.json'),
            transform: (content) =>
              content.toString().replaceAll('%VERSION%', version).replaceAll('%UPDATED%', updated()),
          },
          { from: path.join(source, 'img'), to: 'img' },
          ...room.documents.map((document) => ({ ...document, context: root, noErrorOnMissing: true })),
        ],
      }),
      new webpack.DefinePlugin({ PLUGIN_PUBLIC_PATH: JSON.stringify(`public/plugins/${id}/`) }),
    ],
    performance: {
      hints: mode === 'production' ? 'error' : false,
      assetFilter: (asset) => asset === 'module.js',
      maxAssetSize: room.moduleBytes,
      maxEntrypointSize: room.moduleBytes,
    },
    stats: { preset: 'errors-warnings', assets: true, assetsSpace: 20 },
  };
}

/**
 * @param {unknown} _env
 * @param {{ mode?: 'production' | 'development' }} argv
 */
export default function configurations(_env, argv) {
  return rooms.map((room) => configuration(room, argv.mode ?? 'production'));
}
