import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { newId } from '@holdfast/shared/ids';
import { Problem, type ProblemCode } from '@holdfast/shared/problems';

const STATUS_LINES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/**
 * Answers what Node's parser refuses before there is a request: broken request lines and headers, headers over 16 KiB, clients that
 * send too slowly. Node's own answers have neither a problem nor a Request-Id. The connection is closed: what follows on it cannot
 * be told apart from the broken part. `onRefused`: told of each.
 */
export function answerBrokenRequests(server: Server, onRefused: (code: ProblemCode) => void = () => undefined): void {
  const refuse = (socket: Duplex, statusLine: string, code: ProblemCode) => {
    onRefused(code);
    hangUp(socket, statusLine, code);
  };
  // Node hangs up on CONNECT without a word.
  server.on('connect', (_req: IncomingMessage, socket: Duplex) =>
    refuse(socket, '405 Method Not Allowed', 'method_not_allowed'),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    refuse(socket, STATUS_LINES[error.code ?? ''] ?? '400 Bad Request', 'malformed_request');
  });
}

function hangUp(socket: Duplex, statusLine: string, code: ProblemCode): void {
  const requestId = newId('req');
  const body = JSON.stringify({
    ...new Problem(code).toBody(requestId),
    status: Number.parseInt(statusLine, 10),
  });
  socket.end(
    [
      `HTTP/1.1 ${statusLine}`,
      'Connection: close',
      'Content-Type: application/problem+json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `Request-Id: ${requestId}`,
      'X-Content-Type-Options: nosniff',
      ...(code === 'method_not_allowed' ? ['Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'] : []),
      '',
      body,
    ].join('\r\n'),
  );
}
