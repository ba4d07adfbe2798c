import { ApiError, apiClient, type ApiClient } from '../first-bookings/api-client.ts';
import { readSecrets } from '../secrets.ts';
import { isStackRunning, readState } from '../stack-state.ts';

/** What ends a command with a sentence and an exit code instead of a stack trace. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** As sysexits.h has them. */
export const EXIT = { refused: 1, usage: 64, unreachable: 69, notAllowed: 77 } as const;

export interface Target {
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly adminEmail: string;
  readonly adminPassword: string | undefined;
  readonly dataDir: string;
}

/**
 * A client of the gateway that is meant: the one of `url`, or the one that runs from this checkout. Signed in by the token, or as the
 * administrator whose password is given or was made by `npm start`. @throws CommandError
 */
export async function signedInClient(target: Target): Promise<ApiClient> {
  const url = gatewayUrl(target);
  if (target.token !== undefined) return apiClient(url, target.token);
  const password =
    target.adminPassword ?? (target.url === undefined ? readSecrets(target.dataDir)?.adminPassword : undefined);
  if (password === undefined) {
    throw new CommandError('Give --token, or HOLDFAST_ADMIN_EMAIL and HOLDFAST_ADMIN_PASSWORD.', EXIT.notAllowed);
  }
  const { access_token: token } = await apiClient(url).post<{ access_token: string }>('/v1/auth/login', {
    email: target.adminEmail,
    password,
  });
  return apiClient(url, token);
}

/** The address of the gateway that is meant. @throws CommandError when none is named and nothing runs. */
export const gatewayUrl = (target: Pick<Target, 'url' | 'dataDir'>) => target.url ?? runningGateway(target.dataDir);

function runningGateway(dataDir: string): string {
  const state = readState(dataDir);
  const url = isStackRunning(state) && state.isUp ? state.processes.gateway?.url : undefined;
  if (url === undefined) {
    throw new CommandError(
      'Nothing runs from this checkout. npm start starts it; --url names another gateway.',
      EXIT.unreachable,
    );
  }
  return url;
}

/** An error of the API or the network as what the command says and ends with; others as they are. */
export function toCommandError(error: unknown): unknown {
  if (error instanceof ApiError) {
    const notAllowed = error.status === 401 || error.status === 403;
    return new CommandError(
      error.message,
      notAllowed ? EXIT.notAllowed : error.status >= 500 ? EXIT.unreachable : EXIT.refused,
    );
  }
  if (error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError')) {
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return new CommandError(`the gateway cannot be reached${cause}`, EXIT.unreachable);
  }
  return error;
}
