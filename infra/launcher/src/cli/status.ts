import { isStackRunning, PROCESS_NAMES, readState, statusJson, type StackState } from '../stack-state.ts';
import { CommandError, EXIT } from './gateway-client.ts';
import type { Report } from './report.ts';
import { table } from './table.ts';

/** `status`: the processes of the stack that runs from this checkout. @throws CommandError, exit code 1, when nothing does. */
export function showStatus(dataDir: string, operands: readonly string[]): Report {
  if (operands.length > 0) throw new CommandError('status takes no operand', EXIT.usage);
  const state = readState(dataDir);
  if (!isStackRunning(state)) {
    // stdout stays empty: what reads JSON there must not take this sentence for it.
    throw new CommandError(
      `Nothing runs from this checkout (data folder ${dataDir}). npm start starts it.`,
      EXIT.refused,
    );
  }
  // Half a table would read as a stack that lost its gateway.
  if (!state.isUp) throw new CommandError('The stack of this checkout is still starting.', EXIT.refused);
  return statusReport(state);
}

/** A line for each process. Passwords are in the JSON alone: people read the lines over shoulders and paste them into reports. */
export function statusReport(state: StackState): Report {
  const json = statusJson(state);
  const rows = PROCESS_NAMES.map((name) => {
    const entry = json[name];
    if (entry === null) return [name, 'not running', ''];
    return [name, String(entry.pid ?? '(external)'), entry.url.replace(/\/\/([^:@/]*):[^@/]+@/, '//$1:***@')];
  });
  return { json, lines: table(['process', 'pid', 'url'], rows) };
}
