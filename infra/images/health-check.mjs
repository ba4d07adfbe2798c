/** health-check.mjs <port>: asks the program of this container whether it is ready; ends with 1 when it is not, or does not say so within 2.5 s. */
import http from 'node:http';

const port = process.argv[2] ?? '0';
// A program without a port does its work and ends; it is well as long as it runs.
if (port === '0') process.exit(0);
const request = http.get({ host: '127.0.0.1', port, path: '/readyz', timeout: 2_500 }, (answer) => {
  answer.resume();
  process.exit(answer.statusCode === 200 ? 0 : 1);
});
request.on('timeout', () => process.exit(1));
request.on('error', () => process.exit(1));
