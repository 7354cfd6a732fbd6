// @ts-check
// The component tests once more, on the React of Grafana 13.2 and later.
import config from './jest.config.mjs';

/** @type {import('jest').Config} */
export default {
  ...config,
  testMatch: ['**/*.test.tsx'],
  moduleNameMapper: {
    ...config.moduleNameMapper,
    '^react$': '<rootDir>/node_modules/react19',
    '^react/(.*)$': '<rootDir>/node_modules/react19/$1',
    '^react-dom$': '<rootDir>/node_modules/react-dom19',
    '^react-dom/(.*)$': '<rootDir>/node_modules/react-dom19/$1',
  },
};
