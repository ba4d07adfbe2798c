import type { HttpClient } from './http-client.ts';

/** Sends each request once, shared out among the clients. @throws when one is not answered 2xx. */
export function sendAll(clients: readonly HttpClient[], requests: readonly string[]): Promise<unknown> {
  let next = 0;
  return Promise.all(
    clients.map(
      (client) =>
        new Promise<void>((resolve, reject) => {
          const step = () => {
            const request = requests[next++];
            if (request === undefined) return resolve();
            client.send(request, (outcome) => {
              if (outcome.startsWith('2')) step();
              else reject(new Error(`a request before the measurement was answered ${outcome}`));
            });
          };
          step();
        }),
    ),
  );
}
