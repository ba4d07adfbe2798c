/** Node 24 erases the types and jest loads ES modules itself, so nothing is transformed; see the test verb in infra/launcher. */
export default {
  testMatch: [
    '<rootDir>/services/**/*.test.ts',
    '<rootDir>/packages/**/*.test.ts',
    '<rootDir>/infra/**/*.test.ts',
    '<rootDir>/tests/**/*.test.ts',
    '<rootDir>/bench/**/*.test.ts',
  ],
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/.holdfast/'],
  modulePathIgnorePatterns: ['<rootDir>/.holdfast/'],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {},
  watchman: false,
  maxWorkers: 2,
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/infra/launcher/src/jest-results-reporter.ts'],
};
