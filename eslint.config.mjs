// @ts-check
import grafana from '@grafana/eslint-config';
import { importX } from 'eslint-plugin-import-x';

export default [
  {
    ignores: [
      'dist/',
      'node_modules/',
      'target/',
      'frontend-wasm/pkg/',
      'preview/page/build/',
      '.cache/',
      '.demo/',
      'tests/results/',
    ],
  },
  ...grafana,
  // ESLint looks at no TypeScript by itself, and the rules above name no files.
  { files: ['**/*.{ts,tsx}'] },
  {
    // React comes in by the JSX runtime; types take the place of propTypes.
    rules: { 'react/react-in-jsx-scope': 'off', 'react/jsx-uses-react': 'off', 'react/prop-types': 'off' },
  },
  {
    files: ['src/**/*.{ts,tsx}', 'tests/frontend/**/*.{ts,tsx}'],
    rules: { 'no-console': 'error' },
  },
  {
    // `import type` is exempt: it leaves no import behind.
    files: ['**/*.{ts,tsx,mjs}'],
    plugins: { 'import-x': importX },
    settings: {
      'import-x/extensions': ['.ts', '.tsx', '.mjs'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts', '.tsx'] },
      'import-x/resolver': { node: { extensions: ['.ts', '.tsx', '.mjs', '.js'] } },
    },
    rules: { 'import-x/no-cycle': ['error', { ignoreExternal: true }] },
  },
];
