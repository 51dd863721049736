import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RandomNetwork, type RandomNetworkOptions } from './random-network.ts';

// Goal: no order of deliveries, losses, doublings, disk delays, crashes and cuts breaks a law of Raft, and when the
// faults end the cluster works again. Method: one seed drives everything; the checker looks after every step.
// A failure prints the options; `RAFT_SEED=n` runs more from there.

const weight = fc.integer({ min: 0, max: 5 });
const options: fc.Arbitrary<RandomNetworkOptions> = fc.record({
  seed: fc.integer({ min: 1, max: 0x7fff_ffff }),
  nodeCount: fc.constantFrom(1, 2, 3, 3, 3, 4, 5, 5),
  isLockstep: fc.boolean(),
  spareCount: fc.constantFrom(0, 1, 2, 3),
  hasWitness: fc.boolean(),
  weights: fc.record({
    drop: weight,
    duplicate: weight,
    crash: weight,
    partition: fc.integer({ min: 0, max: 2 }),
    heal: weight,
    transfer: weight,
    'step-down': fc.integer({ min: 0, max: 1 }),
    unreachable: weight,
    electable: fc.integer({ min: 0, max: 1 }),
    inject: fc.integer({ min: 0, max: 2 }),
    change: fc.constantFrom(0, 3, 10, 30),
    compact: fc.constantFrom(0, 2, 10),
    fetched: fc.constantFrom(1, 5),
    'fetch-failed': fc.integer({ min: 0, max: 2 }),
  }),
});

const runs = Number(process.env['RAFT_RUNS'] ?? 150);
const seed = Number(process.env['RAFT_SEED'] ?? 1);
const actions = 1500;
const runMsMax = 100;
/** Some election timeouts: the first campaign may split, and whoever just stepped down waits longer. */
const roundsMax = 150;

test(
  `I1–I12 hold in any weather, and a healed cluster converges (seed ${seed})`,
  () => {
    let committedCount = 0;
    let electedCount = 0;
    let leasesSeen = 0;
    let roundsSeen = 0;
    let configurationsSeen = 0;
    let compactionsSeen = 0;
    let installsSeen = 0;

    fc.assert(
      fc.property(options, (drawn) => {
        const network = new RandomNetwork(drawn);
        for (let done = 0; done < actions; done += 1) network.act();

        network.heal();
        const before = network.checker.committedCount;
        let rounds = 0;
        const isWorking = (): boolean => network.checker.committedCount > before;
        for (; rounds < roundsMax && !(isWorking() && network.isConverged); rounds += 1) {
          if (!isWorking()) network.propose();
          network.round();
        }

        expect(network.isConverged).toBe(true);
        expect(isWorking()).toBe(true);
        roundsSeen = Math.max(roundsSeen, rounds);
        committedCount += network.checker.committedCount;
        electedCount += network.checker.electedCount;
        compactionsSeen += network.checker.compactionsSeen;
        installsSeen += network.checker.installsSeen;
        configurationsSeen += network.checker.configurationsSeen;
        leasesSeen += network.leases.leasesSeen;
      }),
      { numRuns: runs, seed },
    );

    if (process.env['RAFT_VERBOSE'])
      process.stdout.write(
        `${electedCount / runs} elections, ${committedCount / runs} commits a run, ${roundsSeen} rounds to heal, ${leasesSeen / runs} leases, ${configurationsSeen / runs} configurations, ${compactionsSeen / runs} compactions, ${installsSeen / runs} snapshots installed\n`,
      );
    // Non-vacuity (HAZARDS C11): the runs did real work.
    expect(electedCount / runs).toBeGreaterThan(2);
    expect(committedCount / runs).toBeGreaterThan(20);
    expect(configurationsSeen / runs).toBeGreaterThan(3);
    expect(compactionsSeen / runs).toBeGreaterThan(1);
    expect(installsSeen / runs).toBeGreaterThan(0.2);
    expect(leasesSeen).toBeGreaterThan(100);
  },
  60_000 + runs * runMsMax,
);
