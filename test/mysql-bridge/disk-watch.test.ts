import { expect, test } from 'vitest';
import { DiskWatch } from '../../mysql-bridge/disk-watch.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { settle } from './bridge-fakes.ts';

test('the disk is asked every second, and each answer is passed on', async () => {
  await using watch = new Watch();
  watch.answers = [null, 'full', null];

  await watch.rounds(3);

  expect(watch.heard).toEqual([null, 'full', null]);
});

test('while no server runs nothing is asked', async () => {
  await using watch = new Watch();
  watch.isWanted = false;

  await watch.rounds(3);

  expect(watch.asked).toBe(0);
});

test('an answer about a server that ended meanwhile means nothing', async () => {
  await using watch = new Watch();
  watch.answers = ['hangs'];
  watch.onAsk = () => {
    watch.isWanted = false;
  };

  await watch.rounds(1);

  expect(watch.heard).toEqual([]);
});

test('after a pause of this whole process the disk is asked once more (N5, H29)', async () => {
  await using watch = new Watch();
  watch.answers = ['hangs', null];
  watch.onAsk = () => {
    if (watch.asked === 1) watch.clock.jump(10_000);
  };

  await watch.rounds(1);

  expect(watch.heard).toEqual([null]);
});

/** A watch whose rounds a test lets happen. */
class Watch implements AsyncDisposable {
  readonly clock: FakeClock = new FakeClock();
  readonly heard: (string | null)[] = [];
  answers: (string | null)[] = [];
  asked = 0;
  isWanted = true;
  onAsk: () => void = () => undefined;
  readonly #watch: DiskWatch;
  #running: Promise<void> | null = null;

  constructor() {
    this.#watch = new DiskWatch({
      clock: this.clock,
      timeoutMs: 5000,
      onFault: (fault) => this.heard.push(fault),
    });
  }

  async rounds(count: number): Promise<void> {
    for (let round = 0; round < count; round += 1) {
      if (this.#running === null) this.#running = this.#watch.run(this.#questions());
      else this.clock.advance(1000);
      await settle();
    }
  }

  #questions(): Parameters<DiskWatch['run']>[0] {
    return {
      isWanted: () => this.isWanted,
      ask: () => {
        this.asked += 1;
        this.onAsk();
        return Promise.resolve(this.answers.shift() ?? null);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch.stop();
    await this.#running;
  }
}
