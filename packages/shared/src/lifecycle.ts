import type { Logger } from 'pino';

export interface Stoppable {
  stop(): Promise<void>;
}

/** How long an orderly stop may take before the process ends anyway. */
const STOP_LIMIT_MS = 10_000;

/**
 * Runs until SIGTERM or SIGINT, then stops in an orderly way and exits 0. An exception that nobody caught is a bug: it is logged
 * and ends the process, because its state can no longer be trusted; the supervisor starts a new one.
 */
export function stopOnSignals(service: Stoppable, logger: Logger): void {
  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) return;
    stopping = true;
    logger.info({ signal }, 'stopping');
    setTimeout(() => {
      logger.error('did not stop in time');
      process.exit(1);
    }, STOP_LIMIT_MS).unref();
    service.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'stop failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      logger.fatal({ err: error }, event);
      process.exit(1);
    });
  }
}

/** Starts a service and runs it until a signal comes. A start that fails is logged with where it would have listened, and exits 1. */
export async function runService(
  service: Stoppable & { start(): Promise<unknown> },
  logger: Logger,
  address: { readonly host: string; readonly port: number },
): Promise<void> {
  stopOnSignals(service, logger);
  try {
    await service.start();
  } catch (error) {
    // Most often a port that is taken; the message names it.
    logger.fatal({ err: error, host: address.host, port: address.port }, 'could not start');
    process.exit(1);
  }
}
