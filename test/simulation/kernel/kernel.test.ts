import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AssertionFailure } from '../../../base/assert.ts';
import { EventQueue } from './event-queue.ts';
import { RandomStreams } from './random-streams.ts';
import { SimHost } from './sim-host.ts';
import { Processes } from './sim-process.ts';
import { Simulation } from './simulation.ts';
import { Trace } from './trace.ts';

function newSimulation(seed = 1): Simulation {
  return new Simulation({ seed, trace: new Trace() });
}

test('events come by moment, and those of one moment in the order they were scheduled', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ atUs: fc.nat(20), isCancelled: fc.boolean() }), { maxLength: 60 }),
      (plan) => {
        const queue = new EventQueue();
        const found: string[] = [];
        const events = plan.map(({ atUs }, place) =>
          queue.add(atUs, () => found.push(`${atUs}#${place}`)),
        );
        for (const [place, { isCancelled }] of plan.entries()) {
          if (isCancelled) events[place]?.cancel();
        }
        for (let event = queue.take(20); event !== null; event = queue.take(20)) event.run();

        const expected = plan
          .map((one, place) => ({ ...one, place }))
          .filter(({ isCancelled }) => !isCancelled)
          .toSorted((left, right) => left.atUs - right.atUs || left.place - right.place)
          .map(({ atUs, place }) => `${atUs}#${place}`);
        expect(found).toEqual(expected);
      },
    ),
  );
});

test('every promise callback runs before the next event, however many follow from each other', async () => {
  const simulation = newSimulation();
  const seen: string[] = [];
  const chain = async (name: string): Promise<void> => {
    for (let turn = 0; turn < 100; turn += 1) await null;
    seen.push(`${name} at ${simulation.nowUs}`);
  };
  simulation.at(5, () => void chain('first'));
  simulation.at(5, () => void chain('second'));
  simulation.at(6, () => seen.push('third'));

  await simulation.run({ untilUs: 10 });

  expect(seen).toEqual(['first at 5', 'second at 5', 'third']);
  expect(simulation.nowUs).toBe(10);
});

test('a draw from one stream of luck changes nothing in another', () => {
  const draw = (name: string, before: number): number[] => {
    const streams = new RandomStreams(7);
    for (let count = 0; count < before; count += 1) streams.stream('other').below(0, 10);
    return Array.from({ length: 5 }, () => streams.stream(name).below(0, 1000));
  };

  expect(draw('network', 0)).toEqual(draw('network', 3));
  expect(draw('network', 0)).not.toEqual(draw('disk', 0));
});

test('a broken rule ends the run with the event in which it broke', async () => {
  const simulation = newSimulation();
  let later = 0;
  simulation.at(1, () => simulation.violated('I1', 'two leaders'));
  simulation.at(2, () => {
    later += 1;
  });

  await simulation.run({ untilUs: 10 });

  expect(simulation.violation).toMatchObject({ rule: 'I1', message: 'I1: two leaders' });
  expect(later).toBe(0);
});

test('an exception in an event is a violation, and an assertion is told apart', async () => {
  const simulation = newSimulation();
  simulation.at(1, () => {
    throw new AssertionFailure('the log is not the log');
  });

  await simulation.run({ untilUs: 10 });

  expect(simulation.violation).toMatchObject({ rule: 'assertion' });
});

test('the trace hash covers every line, and memory holds only the newest', () => {
  const write = (last: string, linesMax: number): Trace => {
    const trace = new Trace({ linesMax, level: 'event' });
    for (let count = 0; count < 50; count += 1) {
      trace.write(count, { level: 'event', who: 'n1', what: `line ${count}` });
    }
    trace.write(1_000_050, { level: 'event', who: 'n1', what: last });
    return trace;
  };

  expect(write('end', 3).hash).toBe(write('end', 1000).hash);
  expect(write('end', 3).hash).not.toBe(write('End', 3).hash);
  expect(write('end', 3).lines()).toEqual([
    '   0.000048 n1 line 48',
    '   0.000049 n1 line 49',
    '   1.000050 n1 end',
  ]);
});

test('the clock of a process runs at the rate of its host, and its timers are never early', async () => {
  const simulation = newSimulation();
  const fast = new SimHost(simulation, 'n1', { rate: 1.25, bootMs: 0 });
  const process = new Processes(simulation).start(fast, 'sidecar');
  const seen: number[] = [];
  const stop = process.clock.every(100, () => seen.push(process.clock.monotonicMs()));

  await simulation.run({ untilUs: 800_000 });
  stop();

  expect(process.clock.monotonicMs()).toBeCloseTo(1000);
  expect(seen.length).toBe(9);
  for (const [place, ms] of seen.entries()) expect(ms).toBeGreaterThanOrEqual(100 * (place + 1));
});

test('a stopped process gets each timer once and then its messages, when it goes on', async () => {
  const simulation = newSimulation();
  const process = new Processes(simulation).start(new SimHost(simulation, 'n1'), 'sidecar');
  const seen: string[] = [];
  process.clock.every(10, () => seen.push('timer'));
  process.pause();
  simulation.at(5_000, () => process.enter(() => seen.push('message')));
  simulation.at(100_000, () => process.resume());

  await simulation.run({ untilUs: 100_001 });

  expect(seen).toEqual(['timer', 'message']);
});

test('what comes in the moment in which a process goes on is read behind what waited', async () => {
  const simulation = newSimulation();
  const process = new Processes(simulation).start(new SimHost(simulation, 'n1'), 'sidecar');
  const seen: string[] = [];
  const take = (message: string): void => process.enter(() => seen.push(message));
  process.pause();
  simulation.at(50, () => take('first'));
  simulation.at(60, () => take('second'));
  simulation.at(100, () => {
    simulation.after(0, () => take('fourth'));
    process.resume();
    take('third');
  });

  await simulation.run({ untilUs: 101 });

  expect(seen).toEqual(['first', 'second', 'third', 'fourth']);
});

test('stopped again before it has read what waited, a process reads it in order later', async () => {
  const simulation = newSimulation();
  const process = new Processes(simulation).start(new SimHost(simulation, 'n1'), 'sidecar');
  const seen: string[] = [];
  process.pause();
  simulation.at(50, () => process.enter(() => seen.push('first')));
  simulation.at(100, () => {
    process.resume();
    process.pause();
    process.enter(() => seen.push('second'));
  });
  simulation.at(200, () => process.resume());

  await simulation.run({ untilUs: 201 });

  expect(seen).toEqual(['first', 'second']);
});

test('a dead process neither acts nor is reached, and dies only once', async () => {
  const simulation = newSimulation();
  const processes = new Processes(simulation);
  const host = new SimHost(simulation, 'n1');
  const process = processes.start(host, 'sidecar');
  const seen: string[] = [];
  process.onDeath(() => seen.push('dead'));
  process.clock.every(10, () => seen.push('timer'));
  process.kill('test');
  process.kill('again');
  process.enter(() => seen.push('message'));

  await simulation.run({ untilUs: 100_000 });

  expect(seen).toEqual(['dead']);
  expect(process.act()).toBe(false);
  expect(processes.find('n1/sidecar')).toBeNull();
  expect(processes.start(host, 'sidecar').incarnation).toBe(2);
});

test('a process may die between two acts of one step', () => {
  const simulation = newSimulation();
  const process = new Processes(simulation).start(new SimHost(simulation, 'n1'), 'sidecar');
  process.dieAfterActs(2);

  expect([process.act(), process.act(), process.act(), process.isDead]).toEqual([
    true,
    true,
    false,
    true,
  ]);
});
