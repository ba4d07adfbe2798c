import type { StopRequest } from './stop-request.ts';

/** Prints the variables for running jest by hand, and waits for Ctrl-C. */
export async function serveUntilStopped(
  env: Readonly<Record<string, string>>,
  stopRequest: StopRequest,
): Promise<number> {
  const lines = Object.entries(env).map(([name, value]) => `export ${name}=${shellQuote(value)}`);
  process.stdout.write(
    `\n${lines.join('\n')}\n\n# Paste the lines above into another shell, then for example:\n` +
      '#   NODE_OPTIONS=--experimental-vm-modules node_modules/.bin/node node_modules/jest/bin/jest.js services/booking\n' +
      '# Ctrl-C here stops the servers.\n',
  );
  // Without a timer nothing keeps the process alive: children and signal handlers do not.
  const keepAlive = setInterval(() => undefined, 60_000);
  await new Promise<void>((resolve) => stopRequest.whenWanted(resolve));
  clearInterval(keepAlive);
  return 0;
}

function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
