import { Bridge } from '../../mysql-bridge/bridge.ts';
import { FakeWorld, fakeOptions, settle } from './bridge-fakes.ts';

/** A bridge in a world of fakes. */
export class TestNode implements AsyncDisposable {
  readonly world: FakeWorld = new FakeWorld();
  readonly bridge: Bridge = new Bridge(this.world.parts, fakeOptions);

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 100) {
      this.world.clock.advance(100);
      await settle();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bridge.close();
  }
}

export async function opened(): Promise<TestNode> {
  const node = new TestNode();
  await node.bridge.open();
  return node;
}

export async function replica(): Promise<TestNode> {
  const node = await opened();
  node.world.follow(2);
  await settle();
  node.world.calls.taken();
  return node;
}

export async function primary(): Promise<TestNode> {
  const node = await replica();
  node.world.lead(3);
  await settle();
  return node;
}
