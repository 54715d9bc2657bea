import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Native sessions and worker threads live in the tests: forks keep one file's crash from another's.
    pool: 'forks',
    maxWorkers: 2,
  },
});
