import type { Network } from './network.ts';
import type { SimProcess } from './sim-process.ts';

export interface DatagramsOptions<Message> {
  /** Names the protocol in the trace. */
  readonly protocol: string;
  /** A few words for the trace. */
  readonly describe: (message: Message) => string;
}

export interface Datagram<Message> {
  readonly from: string;
  readonly to: string;
  readonly message: Message;
}

/** What may be on its way from one process to another; more is lost, as in a queue that is full. */
const inFlightMax = 2000;

/**
 * Messages without a connection: each is lost, doubled, delayed and overtaken on its own, and may reach a receiver that was
 * restarted since, from a sender that is dead. Harsher than any stream: what holds here holds over gRPC, whose order and
 * completeness per connection Raft does not need.
 *
 * Messages are handed over as they are, not copied: nobody changes one that was sent.
 */
export class Datagrams<Message> {
  readonly #network: Network;
  readonly #options: DatagramsOptions<Message>;
  readonly #receivers = new Map<SimProcess, (datagram: Datagram<Message>) => void>();
  readonly #inFlight = new Map<string, number>();

  constructor(network: Network, options: DatagramsOptions<Message>) {
    this.#network = network;
    this.#options = options;
  }

  /** From now on, until it dies, the process receives what is sent to its name. One receiver per process and protocol. */
  bind(process: SimProcess, onMessage: (datagram: Datagram<Message>) => void): void {
    this.#receivers.set(process, onMessage);
    process.onDeath(() => this.#receivers.delete(process));
  }

  unbind(process: SimProcess): void {
    this.#receivers.delete(process);
  }

  /** `to` is the name of a process; nothing says whether it exists. */
  send(from: SimProcess, to: string, message: Message): void {
    if (!from.act()) return;
    const datagram = { from: from.name, to, message };
    const network = this.#network;
    if (network.isBlocked(from.name, to)) {
      this.#log('cut', datagram);
    } else if (network.drawsLoss(from.name, to)) {
      this.#log('lost', datagram);
    } else {
      this.#log('send', datagram);
      this.#carry(datagram);
      if (network.drawsDuplicate(from.name, to)) this.#carry(datagram);
    }
  }

  #carry(datagram: Datagram<Message>): void {
    const { from, to } = datagram;
    const key = `${from}>${to}`;
    const inFlight = this.#inFlight.get(key) ?? 0;
    if (inFlight >= inFlightMax) return;
    this.#inFlight.set(key, inFlight + 1);
    this.#network.simulation.after(this.#network.drawDelayUs(from, to), () => {
      this.#inFlight.set(key, (this.#inFlight.get(key) ?? 1) - 1);
      this.#arrive(datagram);
    });
  }

  #arrive(datagram: Datagram<Message>): void {
    const { from, to } = datagram;
    const receiver = this.#network.findProcess(to);
    if (receiver === null || this.#network.isBlocked(from, to)) {
      this.#log('cut', datagram);
      return;
    }
    receiver.enter(() => {
      const onMessage = this.#receivers.get(receiver);
      if (onMessage === undefined) return;
      this.#log('recv', datagram);
      onMessage(datagram);
    });
  }

  #log(fate: string, { from, to, message }: Datagram<Message>): void {
    const { protocol, describe } = this.#options;
    const isReceived = fate === 'recv';
    const who = isReceived ? to : from;
    const arrow = isReceived ? `< ${from}` : `> ${to}`;
    this.#network.simulation.log(who, `${fate} ${protocol} ${arrow} ${describe(message)}`);
  }
}
