import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

const loopback = '127.0.0.1';

/**
 * Listens on this machine, and joins every connection as `join` says.
 *
 * @param preferred port that is taken unless another process has it
 * @param onProblem told why a connection could not be joined; it is closed
 */
export async function listenLocally(
  preferred: number,
  join: (socket: Socket) => Promise<void>,
  onProblem: (error: Error) => void,
): Promise<{ readonly port: number; readonly close: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    join(socket).catch((error: Error) => {
      socket.destroy();
      onProblem(error);
    });
  });
  await listen(server, preferred).catch(() => listen(server, 0));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, loopback);
  await once(server, 'listening');
}
