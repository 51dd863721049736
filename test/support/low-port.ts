import { createServer } from 'node:net';

const lowest = 20_000;
const count = 10_000;
const attemptsMax = 50;

/** A free loopback port outside the range that outgoing connections are given, so that none of them takes it meanwhile. */
export async function lowPort(): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * count);
    if (await isFree(port)) return port;
  }
  throw new Error('no free port found');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  });
}
