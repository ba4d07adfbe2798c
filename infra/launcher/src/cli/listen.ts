import { listen, streamsOf } from '@holdfast/shared/bus/listen';
import { isStackRunning, readState } from '../stack-state.ts';
import { eventLiner, sinceOf } from './event-lines.ts';
import { CommandError, EXIT } from './gateway-client.ts';

export interface ListenArguments {
  /** The server; without one, that of the stack of this checkout. */
  readonly natsUrl: string | undefined;
  readonly dataDir: string;
  readonly subject: string | undefined;
  readonly since: string | undefined;
  readonly asJson: boolean;
}

/**
 * `listen`: a line on stdout for each event, until SIGINT or SIGTERM, or until nobody reads the lines any more. Gives the exit code.
 * @throws CommandError
 */
export async function listenToEvents(args: ListenArguments, operands: readonly string[]): Promise<number> {
  if (operands.length > 0) throw new CommandError('listen takes no operand; see --subject and --since', EXIT.usage);
  const since = args.since === undefined ? undefined : sinceOf(args.since, new Date());
  if (args.since !== undefined && since === undefined) {
    throw new CommandError(`--since takes 30s, 10m, 2h, 1d or an RFC 3339 time, not ${args.since}`, EXIT.usage);
  }
  try {
    streamsOf(args.subject);
  } catch (error) {
    throw new CommandError((error as Error).message, EXIT.usage);
  }
  const url = args.natsUrl ?? runningNats(args.dataDir);
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
  // `listen | head` closes the pipe.
  process.stdout.on('error', () => end.abort());
  const line = eventLiner(args.asJson);
  try {
    await listen({
      url,
      signal: end.signal,
      ...(args.subject === undefined ? {} : { subject: args.subject }),
      ...(since === undefined ? {} : { since }),
      onReady: () => void process.stderr.write('listening; Ctrl-C ends it\n'),
      onHeard: (heard) => void process.stdout.write(`${line(heard)}\n`),
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(`NATS at ${new URL(url).host} cannot be listened to: ${why}`, EXIT.unreachable);
  }
  return 0;
}

function runningNats(dataDir: string): string {
  const state = readState(dataDir);
  const url = isStackRunning(state) && state.isUp ? state.processes.nats?.url : undefined;
  if (url !== undefined) return url;
  throw new CommandError(
    'Nothing runs from this checkout. npm start starts it; NATS_URL names another server.',
    EXIT.unreachable,
  );
}
