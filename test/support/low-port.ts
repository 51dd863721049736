import { createServer } from 'node:net';

/**
 * Ports that nothing else of this project uses. Below the range that outgoing connections are given, so that none of them takes one
 * between two lives of its owner.
 */
const lowest = 17_000;
const portsPerWorker = 250;
const workersMax = 16;

/** Tests that run beside each other never look at the same port. */
const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % workersMax;
let taken = Math.floor(Math.random() * portsPerWorker);

/** A free loopback port; the same one is not given again until all others were. */
export async function lowPort(): Promise<number> {
  for (let attempt = 0; attempt < portsPerWorker; attempt += 1) {
    taken = (taken + 1) % portsPerWorker;
    const port = lowest + worker * portsPerWorker + taken;
    if (await isFree(port)) return port;
  }
  throw new Error('no free port found');
}

export async function lowPorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await lowPort());
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  });
}
