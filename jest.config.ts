import type { Config } from 'jest';

const config: Config = {
  testEnvironment: './test/support/environment.ts',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' } }],
  },
  extensionsToTreatAsEsm: ['.ts'],
  globalSetup: './test/cluster/support/global-setup.ts',
  globalTeardown: './test/cluster/support/global-teardown.ts',
  // For what hangs: on a busy machine anything else may take long, and is none the worse for it.
  testTimeout: 300_000,
  // So may the end of a worker that was given gigabytes: more than half a second, after which Jest would take it for one that
  // a test has left something open in.
  workerGracefulExitTimeout: 10_000,
  // One more than the cores of a small machine: tests of operators mostly wait.
  maxWorkers: 3,
};
export default config;
