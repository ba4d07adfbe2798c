import pino, { type DestinationStream } from 'pino';

/** Lines that wait are written together at this size at the latest, … */
const TOGETHER_CHARACTERS = 8 * 1024;
/** … and after this time. */
const WAIT_MS = 50;
const WARN = 40;

/**
 * Standard output for log lines. A write costs as much as the making of ten lines, so lines that follow each other within 50 ms are
 * written together. The first after a pause is written at once, and so is a warning, or worse, with all that waits before it. An end
 * of the process that runs code, by a signal that is handled or an exception, loses no line; SIGKILL loses at most what waits.
 */
export class LogOutput implements DestinationStream {
  /** Asks pino for the level of each line. */
  readonly [pino.symbols.needsMetadataGsym] = true;
  lastLevel = 0;
  readonly #out: DestinationStream;
  #waiting = '';
  #timer: NodeJS.Timeout | null = null;

  /** `fd`: an open file. */
  constructor(fd: number) {
    this.#out = pino.destination({ fd, sync: true });
    process.once('exit', () => this.flushSync());
  }

  write(line: string): void {
    this.#waiting += line;
    if (this.#timer === null || this.lastLevel >= WARN || this.#waiting.length >= TOGETHER_CHARACTERS) this.flushSync();
    // The line that is written at once begins the time in which others wait.
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.flushSync();
    }, WAIT_MS).unref();
  }

  /** By this name pino asks for it after a fatal line. */
  flushSync(): void {
    if (this.#waiting === '') return;
    const lines = this.#waiting;
    this.#waiting = '';
    this.#out.write(lines);
  }
}
