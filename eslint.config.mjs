// @ts-check
import grafana from '@grafana/eslint-config';

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
    files: ['src/**/*.{ts,tsx}'],
    rules: { 'no-console': 'error' },
  },
];
