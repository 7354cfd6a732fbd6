// @ts-check
// Bundles a worker's entry into one self-contained script and hands it out as text.
import { resolve } from 'node:path';
import { build } from 'esbuild';

/**
 * @this {import('webpack').LoaderContext<object>}
 */
export default function workerText() {
  const done = this.async();
  build({
    entryPoints: [this.resourcePath],
    bundle: true,
    write: false,
    metafile: true,
    format: 'iife',
    target: 'es2022',
    minify: this.mode === 'production',
    // The worker gets the bytes of its module by message; nothing is looked up beside a blob: address.
    define: { 'import.meta.url': '""' },
  })
    .then(({ outputFiles, metafile }) => {
      for (const input of Object.keys(metafile.inputs)) {
        this.addDependency(resolve(input));
      }
      done(null, outputFiles[0]?.text ?? '');
    })
    .catch((error) => done(error));
}
