// The test projects: each folder of test/ is one, so that a kind of test can be run alone.
import { defineConfig } from 'vitest/config';

const project = (name: string, extra: object = {}) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

export default defineConfig({
  test: {
    // Sockets and native crypto want processes, not threads.
    pool: 'forks',
    projects: [
      project('unit'),
      project('spec'),
      project('property', { testTimeout: 60_000 }),
      project('tidy'),
      project('sim', { testTimeout: 60_000 }),
      project('integration', { testTimeout: 60_000, hookTimeout: 30_000 }),
      project('phones', {
        testTimeout: 180_000,
        hookTimeout: 60_000,
        globalSetup: 'test/phones/support/build.ts',
      }),
    ],
  },
});
