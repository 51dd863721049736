import { expect, test } from 'vitest';
import { interruptRun, startUpMoments } from '../faults/interrupted-run.ts';

// Ctrl-C at any moment leaves nothing behind. What takes a cluster that runs is in `node test/faults/interrupt.ts`.

test.each(startUpMoments(26_500))(
  'a run of fault tests that is interrupted leaves nothing behind: $name',
  async (moment) => {
    const { remains, output, status, signal } = await interruptRun(moment);

    expect(remains, output).toEqual([]);
    // One that is told twice may end by the second, and one that is killed has no status.
    expect([130, null], `${output} ${signal}`).toContain(status);
  },
);
