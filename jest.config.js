// swc emits the decorator metadata that type-graphql needs and is several times faster than a type-checking transform;
// types are checked by `npm run typecheck`.
/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  transform: {
    '^.+\\.(ts|js|mjs)$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2023',
        },
        module: { type: 'commonjs' },
      },
    ],
  },
  // These packages are published as ES modules only; jest's CommonJS runtime needs them transformed.
  transformIgnorePatterns: [
    '/node_modules/(?!(hyparquet|hyparquet-writer|hyparquet-compressors|hysnappy|content-disposition|cookie|node-pg-migrate)/)',
  ],
  // Dynamic imports name the compiled file.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1', '$1.js'] },
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  // Many times what the slowest take alone: a limit is for what hangs, and machines may be busy.
  testTimeout: 240_000,
  maxWorkers: 2,
};
