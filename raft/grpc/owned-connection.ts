import type { Socket } from 'node:net';
import { ChannelCredentials } from '@grpc/grpc-js';

type SecureConnector = ReturnType<ChannelCredentials['_createSecureConnector']>;

/**
 * Plain-text credentials that keep hold of the connection they are used for. gRPC forgets a connection whose other side
 * accepted it and then said nothing (a stopped process does that); each dial would leave an open socket behind.
 */
export class OwnedConnection extends ChannelCredentials {
  readonly #plain: ChannelCredentials = ChannelCredentials.createInsecure();
  #socket: Socket | null = null;
  #isClosed = false;

  override _isSecure(): boolean {
    return false;
  }

  override _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  override _createSecureConnector(
    ...args: Parameters<ChannelCredentials['_createSecureConnector']>
  ): SecureConnector {
    const plain = this.#plain._createSecureConnector(...args);
    return {
      ...plain,
      connect: (socket) => {
        this.#socket = socket;
        if (this.#isClosed) socket.destroy();
        return plain.connect(socket);
      },
    };
  }

  /** Cuts the connection, now or as soon as there is one. */
  close(): void {
    this.#isClosed = true;
    this.#socket?.destroy();
  }
}
