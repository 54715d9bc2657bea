/** What every job queue must do, whatever keeps its jobs. Imported by one test file for each adapter. */
import { afterEach, describe, expect } from 'vitest';
import { clientSuite } from './conformance/clients.js';
import { newsSuite } from './conformance/telling.js';
import { PATIENT, SETTINGS, type JobsPlace, type Suite } from './conformance/support.js';
import { workSuite } from './conformance/working.js';

export type { JobsPlace };

export function jobsConformance(name: string, start: () => Promise<JobsPlace>): void {
  describe(`jobs: ${name}`, () => {
    let place: JobsPlace | undefined;
    afterEach(async () => {
      await place?.remove();
      place = undefined;
    });
    const openAll: Suite['openAll'] = async (settings = {}) => {
      place ??= await start();
      return place.open({ ...SETTINGS, ...settings });
    };
    const suite: Suite = {
      openAll,
      open: async (settings) => (await openAll(settings)).queue,
      reaches: (queue, id, state) =>
        expect.poll(async () => (await queue.get(id))?.state, PATIENT).toBe(state),
    };
    clientSuite(suite);
    workSuite(suite);
    newsSuite(suite);
  });
}
