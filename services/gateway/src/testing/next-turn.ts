import { setImmediate } from 'node:timers/promises';

/** Lets what has arrived meanwhile be read: for a measurement that keeps the event loop busy by itself. */
export function nextTurn(): Promise<void> {
  return setImmediate();
}
