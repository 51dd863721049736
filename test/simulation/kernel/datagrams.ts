import type { Link, Network } from './network.ts';
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

/** A datagram and what is known of it once: it is written into the trace up to three times. */
interface Parcel<Message> extends Datagram<Message> {
  readonly link: Link;
  readonly text: string;
}

/** What may be on its way from one process to another; more is lost, as in a queue that is full. */
const inFlightMax = 2000;

/**
 * Messages without a connection: each is lost, doubled, delayed and overtaken on its own, and may reach a receiver that was
 * restarted since, from a sender that is dead. Harsher than any stream: what holds here holds over TCP, whose order and
 * completeness per connection Raft does not need.
 *
 * Messages are handed over as they are, not copied: nobody changes one that was sent.
 */
export class Datagrams<Message> {
  readonly #network: Network;
  readonly #options: DatagramsOptions<Message>;
  readonly #receivers = new Map<SimProcess, (datagram: Datagram<Message>) => void>();
  readonly #inFlight = new Map<Link, number>();

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
    const network = this.#network;
    const link = network.link(from.name, to);
    const text = this.#options.describe(message);
    const parcel = { from: from.name, to, message, link, text };
    if (network.isLinkBlocked(link)) {
      this.#log('cut', parcel);
    } else if (network.drawsLossOn(link)) {
      this.#log('lost', parcel);
    } else {
      this.#log('send', parcel);
      this.#carry(parcel);
      if (network.drawsDuplicateOn(link)) this.#carry(parcel);
    }
  }

  #carry(parcel: Parcel<Message>): void {
    const { link } = parcel;
    const inFlight = this.#inFlight.get(link) ?? 0;
    if (inFlight >= inFlightMax) return;
    this.#inFlight.set(link, inFlight + 1);
    this.#network.simulation.after(this.#network.drawDelayUsOn(link), () => {
      this.#inFlight.set(link, (this.#inFlight.get(link) ?? 1) - 1);
      this.#arrive(parcel);
    });
  }

  #arrive(parcel: Parcel<Message>): void {
    const receiver = this.#network.findProcess(parcel.to);
    if (receiver === null || this.#network.isLinkBlocked(parcel.link)) {
      this.#log('cut', parcel);
      return;
    }
    receiver.enter(() => {
      const onMessage = this.#receivers.get(receiver);
      if (onMessage === undefined) return;
      this.#log('recv', parcel);
      onMessage(parcel);
    });
  }

  #log(fate: string, { from, to, text }: Parcel<Message>): void {
    const { protocol } = this.#options;
    const isReceived = fate === 'recv';
    const who = isReceived ? to : from;
    const arrow = isReceived ? `< ${from}` : `> ${to}`;
    this.#network.simulation.log(who, `${fate} ${protocol} ${arrow} ${text}`);
  }
}
