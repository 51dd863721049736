import { concatBytes } from '../../../base/bytes.ts';
import { SessionMachine } from '../../../proxy/core/session-machine.ts';
import type {
  SessionEffect,
  SessionInput,
  SessionMachineOptions,
} from '../../../proxy/core/session-types.ts';
import { answer, greeting, modern, Response } from './wire.ts';

export const machineOptions: SessionMachineOptions = {
  access: 'read-write',
  preAuthPacketBytesMax: 64 * 1024,
  queuedBytesMax: 1000,
  heldBytesMax: 1000,
  reservedUsers: ['binraft'],
};

/** A machine with what it ordered, sorted by where it went. */
export class SessionUnderTest {
  readonly machine: SessionMachine;
  readonly gate = { mayLeave: true, isHolding: false };
  readonly #toServer: Uint8Array[] = [];
  readonly #toClient: Uint8Array[] = [];
  /** All effects that carry no bytes, in order. */
  readonly orders: SessionEffect[] = [];

  constructor(options: Partial<SessionMachineOptions> = {}) {
    this.machine = new SessionMachine({ ...machineOptions, ...options });
  }

  static loggedIn(
    capabilities: number = modern,
    options: Partial<SessionMachineOptions> = {},
  ): SessionUnderTest {
    const session = new SessionUnderTest(options);
    session.server(greeting(capabilities));
    session.client(answer(capabilities));
    session.server(new Response(capabilities, 2).ok().bytes);
    session.forget();
    return session;
  }

  step(input: SessionInput): void {
    for (const effect of this.machine.step(input, this.gate)) {
      if (effect.kind === 'to-server') this.#toServer.push(effect.bytes);
      else if (effect.kind === 'to-client') this.#toClient.push(effect.bytes);
      else this.orders.push(effect);
    }
  }

  client(bytes: Uint8Array): void {
    this.step({ kind: 'client-bytes', bytes });
  }

  server(bytes: Uint8Array): void {
    this.step({ kind: 'server-bytes', bytes });
  }

  confirm(): void {
    this.gate.mayLeave = true;
    this.step({ kind: 'confirmed' });
  }

  get toServer(): Uint8Array {
    return concatBytes(this.#toServer);
  }

  get toClient(): Uint8Array {
    return concatBytes(this.#toClient);
  }

  get kinds(): string[] {
    return this.orders.map((order) => order.kind);
  }

  /** The error the client was told, with its sequence number. */
  get error(): { readonly code: string; readonly sequence: number } | undefined {
    const error = this.orders.find((order) => order.kind === 'error');
    return error?.kind === 'error' ? { code: error.code, sequence: error.sequence } : undefined;
  }

  forget(): void {
    this.#toServer.length = 0;
    this.#toClient.length = 0;
    this.orders.length = 0;
  }
}
