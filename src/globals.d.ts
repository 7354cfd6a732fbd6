declare let __webpack_public_path__: string;
/** Where Grafana serves this plugin, by its id; set by the bundler. */
declare const PLUGIN_PUBLIC_PATH: string;

/** What the AMD loader knows of the module that is being run. */
declare module 'amd-module' {
  const amdModule: { uri?: string } | undefined;
  export default amdModule;
}

/** A worker's whole script. */
declare module '*?worker-text' {
  const text: string;
  export default text;
}

declare module '*.svg' {
  const address: string;
  export default address;
}

declare module '*.wasm?address' {
  const address: string;
  export default address;
}
