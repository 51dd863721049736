/** Where everything listens during a benchmark, all on loopback and none in the range of outgoing connections. */
export interface BenchPorts {
  /** As `binraft up --base-port` takes it: node i is at this plus i times 100. Up to seven nodes. */
  readonly binraftBase: number;
  /** Of server i of a peer (1, 2, 3): its port, the one for reserved connections, the one for its group. */
  server(number: number): ServerPorts;
  /** Of a proxy in front of a server. */
  readonly frontEnd: number;
}

export interface ServerPorts {
  readonly mysql: number;
  readonly admin: number;
  readonly group: number;
}

export const defaultBasePort = 20_000;
/** Beyond seven nodes of a cluster. */
const serversOffset = 800;
const frontEndOffset = 850;
/** How many ports are used from the base on. */
export const portsUsed = 900;

export function benchPorts(basePort: number): BenchPorts {
  return {
    binraftBase: basePort,
    server(number: number): ServerPorts {
      const first = basePort + serversOffset + number * 10;
      return { mysql: first, admin: first + 1, group: first + 2 };
    },
    frontEnd: basePort + frontEndOffset,
  };
}
