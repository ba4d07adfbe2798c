import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { newId } from '@holdfast/shared/ids';
import { Problem } from '@holdfast/shared/problems';

const STATUS_LINES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/**
 * Answers what Node's parser refuses before there is a request: broken request lines and headers, headers over 16 KiB, clients that
 * send too slowly. Node's own answers have neither a problem nor a Request-Id. The connection is closed: what follows on it cannot
 * be told apart from the broken part.
 */
export function answerBrokenRequests(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const statusLine = STATUS_LINES[error.code ?? ''] ?? '400 Bad Request';
    const requestId = newId('req');
    const body = JSON.stringify({
      ...new Problem('malformed_request').toBody(requestId),
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
        '',
        body,
      ].join('\r\n'),
    );
  });
}
