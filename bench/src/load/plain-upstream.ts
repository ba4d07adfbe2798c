import { createApp, jsonBody, listen } from '@holdfast/shared/http/app';

/** As long as a booking's JSON. */
const ANSWER = JSON.stringify({ object: 'booking', status: 'CANCELLED', text: 'x'.repeat(700) });

/** A service that parses JSON and answers at once: what stands before it is all that can be slow. Tells its port to its parent. */
const app = createApp();
app.use(jsonBody(), (_req, res) => {
  res.type('application/json').send(ANSWER);
});
const { port } = await listen(app, { host: '127.0.0.1', port: 0 });
process.send?.(port);
process.once('disconnect', () => process.exit(0));
