import { connect } from 'node:net';

/** Connects, sends the text, and gives the first line that comes back. @throws when none comes within a second. */
export function firstLine(host: string, port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host, timeout: 1000 });
    let received = '';
    const fail = (error: Error) => {
      socket.destroy();
      reject(error);
    };
    socket.once('connect', () => socket.write(text));
    socket.on('data', (chunk) => {
      received += chunk.toString();
      const end = received.indexOf('\n');
      if (end === -1) return;
      socket.destroy();
      resolve(received.slice(0, end).trim());
    });
    socket.once('error', fail);
    socket.once('timeout', () => fail(new Error(`${host}:${port} does not answer`)));
    socket.once('close', () => fail(new Error(`${host}:${port} closed the connection`)));
  });
}
