declare let __webpack_public_path__: string;
/** The path under which Grafana serves this plugin; set by the bundler. */
declare const PLUGIN_PUBLIC_PATH: string;

/** The AMD loader's description of the running module. */
declare module 'amd-module' {
  const amdModule: { uri?: string } | undefined;
  export default amdModule;
}

/** The whole script of a worker. */
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
