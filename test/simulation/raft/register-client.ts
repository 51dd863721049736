import type { Random } from '../../../base/random.ts';
import type { Invocation, LinearOrder } from '../checkers/linear-order.ts';
import type { RegisterValues } from '../checkers/register-values.ts';
import { happens, pickFrom, type SimProcess, type SimSocket } from '../kernel/index.ts';
import type { RegisterConnections, RegisterRequest, RegisterResponse } from './register-server.ts';

const keys = ['a', 'b', 'c', 'd'];
const answerMsMax = 2000;
const largeBytes = 20_000;
/** After so many calls of a thousand it turns to any other server, so that somebody asks those that should not answer. */
const roamingPermille = 200;

type Socket = SimSocket<RegisterResponse, RegisterRequest>;

interface Call {
  readonly request: RegisterRequest;
  readonly invocation: Invocation;
}

export interface RegisterClientOptions {
  readonly process: SimProcess;
  readonly connections: RegisterConnections;
  readonly random: Random;
  readonly order: LinearOrder;
  readonly values: RegisterValues;
  /** Processes that serve, whether they live or not. */
  readonly servers: () => readonly string[];
  readonly serverOf: (node: string) => string;
  readonly thinkMs: number;
  readonly largePermille: number;
  readonly writePermille: number;
}

/** One caller, one call at a time, never twice the same. What is not answered in time may have happened or not. */
export class RegisterClient {
  readonly #options: RegisterClientOptions;
  #socket: Socket | null = null;
  #call: Call | null = null;
  #callNumber = 0;
  #target: string | null = null;
  #isStopped = false;
  #done = 0;

  constructor(options: RegisterClientOptions) {
    this.#options = options;
    this.#later();
  }

  /** Calls that were carried out. */
  get done(): number {
    return this.#done;
  }

  /** Begins nothing new. */
  stop(): void {
    this.#isStopped = true;
  }

  #later(): void {
    const { process, random, thinkMs } = this.#options;
    const waitMs = random.below(1, 2 * thinkMs);
    void process.clock.delay(waitMs).then(() => this.#next());
  }

  #next(): void {
    if (this.#isStopped) return;
    if (this.#socket !== null) {
      this.#invoke(this.#socket);
      return;
    }
    const { connections, process, random, servers } = this.#options;
    const target = this.#target ?? pickFrom(random, servers());
    this.#target = null;
    connections.connect(process, target, (socket) => {
      if (socket === null) {
        this.#later();
        return;
      }
      this.#socket = socket;
      socket.onMessage = (response) => this.#answered(response);
      socket.onClose = () => {
        this.#socket = null;
        this.#giveUp();
      };
      this.#invoke(socket);
    });
  }

  #invoke(socket: Socket): void {
    const { process, order } = this.#options;
    this.#callNumber += 1;
    const number = this.#callNumber;
    const request = this.#drawRequest(number);
    this.#call = { request, invocation: order.invoked(process.name) };
    socket.send(request);
    void process.clock.delay(answerMsMax).then(() => {
      if (this.#callNumber !== number || this.#call === null) return;
      this.#drop();
      this.#giveUp();
    });
  }

  #drawRequest(number: number): RegisterRequest {
    const { random, process, largePermille, writePermille } = this.#options;
    const key = pickFrom(random, keys);
    if (!happens(random, writePermille))
      return { kind: 'read', key, isAnywhere: happens(random, 300) };
    const bytes = happens(random, largePermille) ? largeBytes : random.below(10, 200);
    return { kind: 'write', key, value: `${process.host.name}-${number}`, bytes };
  }

  #answered(response: RegisterResponse): void {
    const call = this.#call;
    if (call === null) return;
    this.#call = null;
    const { order, values, serverOf } = this.#options;
    if (response.kind === 'done') {
      this.#done += 1;
      const { place } = response;
      if (call.request.kind === 'read') {
        order.readCompleted(call.invocation, place);
        values.checkRead({ key: call.request.key, value: response.value, place });
      } else {
        order.writeCompleted(call.invocation, place);
        values.checkWrite({ value: call.request.value, place });
      }
    } else {
      this.#drop();
      if (response.kind === 'refused' && response.leader !== null) {
        this.#target = serverOf(response.leader);
      }
    }
    if (happens(this.#options.random, roamingPermille)) this.#drop();
    this.#later();
  }

  #drop(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  /** The call ended without an answer. */
  #giveUp(): void {
    if (this.#call === null) return;
    this.#call = null;
    this.#later();
  }
}
