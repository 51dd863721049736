import type { Link, Network } from './network.ts';
import type { SimProcess } from './sim-process.ts';

/** One end of a connection, owned by one process. */
export interface SimSocket<Incoming, Outgoing> {
  /** The name of the process at the other end. */
  readonly peer: string;
  readonly isOpen: boolean;
  /** Set by the owner, at once when it gets the socket. */
  onMessage: (message: Incoming) => void;
  /** Called once: the other end closed or died, or the link was cut for too long. What was sent may or may not have arrived. */
  onClose: (reason: string) => void;
  /** In order, without loss while the connection lives. Dropped when it does not. */
  send(message: Outgoing): void;
  /** The other end learns of it after what was sent before. `onClose` of this end is not called. */
  close(): void;
}

export interface ConnectionsOptions {
  /** Names the protocol in the trace. */
  readonly protocol: string;
  readonly describe: (message: unknown) => string;
  /** An end that could not deliver anything for this long gives the connection up. */
  readonly timeoutUs?: number;
  /** The backlog of what was sent and has not arrived; a sender beyond it breaks the connection. */
  readonly inFlightMax?: number;
}

const defaultTimeoutUs = 10_000_000;
const defaultInFlightMax = 10_000;
const retransmissionUs = 200_000;

type Accept<ToServer, ToClient> = (socket: SimSocket<ToServer, ToClient>) => void;

/**
 * Ordered streams of messages between processes, as TCP gives them: no loss and no reordering while the connection lives. A cut
 * holds data back; when it ends in time the data arrive late, else each end gives up by itself, at its own
 * moment, so one may think the connection alive when the other does not. When a process dies the other end is told as soon as a message can
 * travel. A paused process keeps its connections.
 */
export class Connections<ToServer, ToClient> {
  readonly network: Network;
  readonly options: Required<ConnectionsOptions>;
  readonly #listeners = new Map<SimProcess, Accept<ToServer, ToClient>>();

  constructor(network: Network, options: ConnectionsOptions) {
    this.network = network;
    this.options = { timeoutUs: defaultTimeoutUs, inFlightMax: defaultInFlightMax, ...options };
  }

  /** Takes connections under the name of the process until it dies. */
  listen(process: SimProcess, onConnection: Accept<ToServer, ToClient>): () => void {
    this.#listeners.set(process, onConnection);
    process.onDeath(() => this.#listeners.delete(process));
    return () => this.#listeners.delete(process);
  }

  /** Calls back in `from`: with a socket, or with null when it was refused or nobody answered in time. */
  connect(
    from: SimProcess,
    to: string,
    onOutcome: (socket: SimSocket<ToClient, ToServer> | null) => void,
  ): void {
    if (!from.act()) return;
    const { network } = this;
    const { simulation } = network;
    const { protocol } = this.options;
    const answer = (outcome: SimSocket<ToClient, ToServer> | null): void => {
      simulation.log(from.name, `${outcome === null ? 'refused' : 'open'} ${protocol} > ${to}`);
      onOutcome(outcome);
    };
    const handOver = (client: End<ToClient, ToServer>): void => {
      answer(client.isOpen ? client : null);
      client.handedOver();
    };
    simulation.after(network.drawDelayUs(from.name, to), () => {
      if (network.isBlocked(from.name, to) || network.isBlocked(to, from.name)) {
        simulation.after(this.options.timeoutUs, () => from.enter(() => answer(null)));
        return;
      }
      const server = network.findProcess(to);
      const accept = server === null ? undefined : this.#listeners.get(server);
      if (server === null || accept === undefined || from.isDead) {
        simulation.after(network.drawDelayUs(to, from.name), () => from.enter(() => answer(null)));
        return;
      }
      const client = new End<ToClient, ToServer>(this, from, to);
      const serverEnd = new End<ToServer, ToClient>(this, server, from.name);
      client.other = serverEnd;
      client.holdBack();
      serverEnd.other = client;
      server.enter(() => accept(serverEnd));
      simulation.after(network.drawDelayUs(to, from.name), () =>
        from.enter(() => handOver(client)),
      );
    });
  }
}

type Parcel<Message> =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'close'; readonly reason: string };

/** Sends to `other`; what it holds in flight is what it sent. */
class End<Incoming, Outgoing> implements SimSocket<Incoming, Outgoing> {
  readonly peer: string;
  other: End<Outgoing, Incoming> | null = null;
  onMessage: (message: Incoming) => void = () => undefined;
  onClose: (reason: string) => void = () => undefined;
  readonly #owner: SimProcess;
  readonly #connections: {
    readonly network: Network;
    readonly options: Required<ConnectionsOptions>;
  };
  readonly #network: Network;
  readonly #link: Link;
  /** The beginnings of its lines in the trace. */
  readonly #put: string;
  readonly #got: string;
  /** In order; the first of them is on its way or stalled. */
  readonly #outgoing: { readonly parcel: Parcel<Outgoing>; readonly arrivesUs: number }[] = [];
  #isOpen = true;
  #isTravelling = false;
  #stalledSinceUs: number | null = null;
  #stopListening: (() => void) | null = null;
  #newestArrivalUs = 0;
  /** What came before the owner had the socket in hand. */
  #early: Parcel<Incoming>[] | null = null;
  readonly #forgetOwner: () => void;

  constructor(
    connections: { readonly network: Network; readonly options: Required<ConnectionsOptions> },
    owner: SimProcess,
    peer: string,
  ) {
    this.#connections = connections;
    this.#network = connections.network;
    this.#owner = owner;
    this.#link = this.#network.link(owner.name, peer);
    const { protocol } = connections.options;
    this.#put = `put ${protocol} > ${peer} `;
    this.#got = `got ${protocol} < ${peer} `;
    this.peer = peer;
    this.#forgetOwner = owner.onDeath(() => {
      this.#isOpen = false;
      // What the kernel had taken over still goes out, and then the reset.
      this.#push({ kind: 'close', reason: 'the other end died' });
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  send(message: Outgoing): void {
    if (!this.#isOpen || !this.#owner.act()) return;
    if (this.#outgoing.length >= this.#connections.options.inFlightMax) {
      this.#giveUp('too much is on its way');
      return;
    }
    this.#owner.log(this.#put + this.#connections.options.describe(message));
    this.#push({ kind: 'message', message });
  }

  close(): void {
    if (!this.#isOpen || !this.#owner.act()) return;
    this.#isOpen = false;
    this.#forgetOwner();
    this.#log('close', '');
    this.#push({ kind: 'close', reason: 'closed by the other end' });
  }

  #push(parcel: Parcel<Outgoing>): void {
    const { simulation } = this.#network;
    const lossUs = this.#network.drawsLossOn(this.#link) ? retransmissionUs : 0;
    const arrivesUs = simulation.nowUs + lossUs + this.#network.drawDelayUsOn(this.#link);
    this.#newestArrivalUs = Math.max(this.#newestArrivalUs, arrivesUs);
    this.#outgoing.push({ parcel, arrivesUs: this.#newestArrivalUs });
    this.#travel();
  }

  #travel(): void {
    const [first] = this.#outgoing;
    if (first === undefined || this.#isTravelling || this.#stalledSinceUs !== null) return;
    this.#isTravelling = true;
    const { simulation } = this.#network;
    simulation.at(Math.max(first.arrivesUs, simulation.nowUs), () => {
      this.#isTravelling = false;
      this.#arrive();
    });
  }

  #arrive(): void {
    const [first] = this.#outgoing;
    if (first === undefined) return;
    if (this.#network.isLinkBlocked(this.#link)) {
      this.#stall();
      return;
    }
    this.#outgoing.shift();
    this.other?.take(first.parcel);
    this.#travel();
  }

  #stall(): void {
    const { simulation } = this.#network;
    const since = simulation.nowUs;
    this.#stalledSinceUs = since;
    this.#stopListening = this.#network.onLifted(() => {
      if (this.#network.isLinkBlocked(this.#link)) return;
      this.#unstall();
      this.#travel();
    });
    simulation.after(this.#connections.options.timeoutUs, () => {
      if (this.#stalledSinceUs !== since) return;
      this.#unstall();
      this.#giveUp('timed out');
    });
  }

  #unstall(): void {
    this.#stalledSinceUs = null;
    this.#stopListening?.();
    this.#stopListening = null;
  }

  /** The owner does not have the socket yet. */
  holdBack(): void {
    this.#early = [];
  }

  /** The owner has it, and has said what it listens to. */
  handedOver(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const parcel of early) this.take(parcel);
  }

  /** A parcel of the other end is here. */
  take(parcel: Parcel<Incoming>): void {
    if (this.#early !== null) {
      this.#early.push(parcel);
      return;
    }
    this.#owner.enter(() => {
      if (!this.#isOpen) return;
      if (parcel.kind === 'message') {
        this.#owner.log(this.#got + this.#connections.options.describe(parcel.message));
        this.onMessage(parcel.message);
        return;
      }
      this.#end(parcel.reason);
    });
  }

  /** This end breaks the connection; the other learns of it if a reset can travel. */
  #giveUp(reason: string): void {
    this.#outgoing.length = 0;
    if (!this.#isOpen) return;
    this.#owner.enter(() => this.#end(reason));
    this.#push({ kind: 'close', reason: 'reset by the other end' });
  }

  #end(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#forgetOwner();
    this.#log('broken', reason);
    this.onClose(reason);
  }

  #log(what: string, detail: string): void {
    const { protocol } = this.#connections.options;
    this.#owner.log(`${what} ${protocol} > ${this.peer} ${detail}`);
  }
}
