import type { ChildMessage, ParentMessage } from './node-child.ts';

/** The `binraft up` that started this process, if one did. A node without its parent stops: it would hold its ports for ever. */
export class Parent {
  #isClusterStopping = false;
  readonly #stopped: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  readonly #onMessage = (message: ParentMessage): void => {
    if (message.kind !== 'stop-cluster') return;
    this.#isClusterStopping = true;
    this.#stopped.resolve();
  };
  readonly #onDisconnect = (): void => {
    this.#isClusterStopping = true;
    this.#stopped.resolve();
  };

  constructor() {
    if (process.send === undefined) return;
    process.on('message', this.#onMessage);
    process.once('disconnect', this.#onDisconnect);
  }

  /** All nodes stop together: no leadership is handed over first. */
  get isClusterStopping(): boolean {
    return this.#isClusterStopping;
  }

  /** Settles when the parent asks to stop, or is gone. */
  get stopped(): Promise<void> {
    return this.#stopped.promise;
  }

  tell(message: ChildMessage): void {
    // The parent may be gone between two lines: then nobody reads, which is fine.
    if (process.connected === true) process.send?.(message, () => undefined);
  }

  close(): void {
    process.off('message', this.#onMessage);
    process.off('disconnect', this.#onDisconnect);
    if (process.connected === true) process.disconnect?.();
  }
}
