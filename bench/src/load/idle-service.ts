import { createApp, jsonBody, listen, observeRequests, problemHandler, requireJson } from '@holdfast/shared/http/app';
import { requestIdOf, requireAssertion, requireUser } from '@holdfast/shared/http/caller';
import { createLogger } from '@holdfast/shared/telemetry/logger';
import { createMetrics } from '@holdfast/shared/telemetry/metrics';

/** As long as a booking's JSON. */
const ANSWER = JSON.stringify({ object: 'booking', status: 'CANCELLED', text: 'x'.repeat(700) });

/**
 * A service without work of its own: it does what each of ours does for a request (who calls, JSON, metrics, a log line) and answers
 * at once. So what stands before it is all that can be slow. Tells its port to its parent.
 */
const logger = createLogger({ service: 'idle', level: 'info' });
const app = createApp();
app.use(observeRequests(createMetrics('idle'), logger, requestIdOf));
app.use(requireAssertion(process.env['HOLDFAST_INTERNAL_SECRET']!), requireJson, jsonBody());
app.post('/v1/bookings/:id/cancel', (req, res) => {
  requireUser(req);
  res.type('application/json').send(ANSWER);
});
app.use(problemHandler(logger, requestIdOf));
const { port } = await listen(app, { host: '127.0.0.1', port: 0 });
process.send?.(port);
process.once('disconnect', () => process.exit(0));
