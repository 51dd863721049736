import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

// A proxy that looks at nothing: `pass-through.ts <its port> <port of the server>`.

async function main(): Promise<void> {
  const [port = 0, server = 0] = process.argv.slice(2).map(Number);
  const proxy = createServer({ noDelay: true }, (client) => {
    const behind = connect({ host: '127.0.0.1', port: server, noDelay: true });
    pass(client, behind);
    pass(behind, client);
  });
  proxy.listen(port, '127.0.0.1');
  await once(proxy, 'listening');
}

function pass(from: Socket, to: Socket): void {
  from.on('data', (bytes) => {
    if (!to.write(bytes)) from.pause();
  });
  to.on('drain', () => from.resume());
  // One side that is gone, however, ends the other.
  from.on('error', () => undefined);
  from.on('close', () => to.destroy());
}

await main();
