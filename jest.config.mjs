// @ts-check
// Packages that ship ES modules only; everything else in node_modules runs as it is.
const esmPackages = [
  '@bsull/augurs',
  '@grafana',
  '@noble/hashes',
  'canonicalize',
  '@kusto',
  'd3',
  'd3-[a-z-]+',
  'delaunator',
  'internmap',
  'marked',
  'ol',
  'pbf',
  'rbush',
  'react-calendar',
  'get-user-locale',
  'memoize',
  'mimic-function',
  'mimic-fn',
  'quickselect',
  'quick-lru',
  'geotiff',
  'color-[a-z]+',
  'earcut',
  'robust-predicates',
  'rxjs',
  'uuid',
  'uplot',
  'leven',
  'tslib',
  '@wojtekmaj/date-utils',
  'nanoid',
  'monaco-promql',
];

/** @type {import('jest').Config} */
const react18 = {
  displayName: 'React 18',
  globals: { REACT_MAJOR: '18' },
  testEnvironment: 'jest-environment-jsdom',
  roots: ['<rootDir>/src', '<rootDir>/tests/frontend', '<rootDir>/preview/page/src'],
  testMatch: ['**/*.test.{ts,tsx}'],
  setupFiles: ['<rootDir>/tests/frontend/browser.ts'],
  setupFilesAfterEnv: ['<rootDir>/tests/frontend/matchers.ts'],
  transform: {
    '^.+\\.(t|j|mj)sx?$': [
      '@swc/jest',
      {
        sourceMaps: 'inline',
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', tsx: true },
          transform: { react: { runtime: 'automatic' } },
        },
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmPackages.join('|')})/)`],
  moduleNameMapper: {
    // It exports itself to `import` alone.
    '^canonicalize$': '<rootDir>/node_modules/canonicalize/lib/canonicalize.js',
    '\\?worker-text$': '<rootDir>/tests/frontend/asset.ts',
    '\\.wasm\\?address$': '<rootDir>/tests/frontend/asset.ts',
    // Icons are fetched; none is looked at.
    '^react-inlinesvg$': '<rootDir>/tests/frontend/icon.tsx',
    '\\.(svg|css)$': '<rootDir>/tests/frontend/asset.ts',
  },
};

// The component tests once more, on the React of Grafana 13.2 and later.
/** @type {import('jest').Config} */
const react19 = {
  ...react18,
  displayName: 'React 19',
  globals: { REACT_MAJOR: '19' },
  testMatch: ['**/*.test.tsx'],
  moduleNameMapper: {
    ...react18.moduleNameMapper,
    '^react$': '<rootDir>/node_modules/react19',
    '^react/(.*)$': '<rootDir>/node_modules/react19/$1',
    '^react-dom$': '<rootDir>/node_modules/react-dom19',
    '^react-dom/(.*)$': '<rootDir>/node_modules/react-dom19/$1',
  },
};

/** @type {import('jest').Config} */
export default { projects: [react18, react19] };
