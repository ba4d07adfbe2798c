import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { ApiError, type ApiClient } from '../first-bookings/api-client.ts';
import { CommandError, EXIT } from './gateway-client.ts';
import type { Report } from './report.ts';

interface UserJson {
  readonly id: string;
  readonly email: string;
  readonly role: string;
}

export interface AdminTools {
  /** Signed in as an administrator. */
  readonly api: ApiClient;
  /** Of the same gateway, signed in as nobody. */
  readonly anonymous: ApiClient;
  /** Asks for the password of the new account. */
  readonly readPassword: () => Promise<string>;
}

const ROLES = ['customer', 'operator', 'admin'];
const KEYS: Readonly<Record<string, string>> = { tokens: '/v1/signing-keys/rotate', tickets: '/v1/ticket-keys/rotate' };

/** `admin create <email> [name]`, `admin role <email> <role>`, `admin rotate-keys tokens|tickets`. @throws CommandError */
export async function administer(tools: AdminTools, [verb, ...operands]: readonly string[]): Promise<Report> {
  const [first, second] = operands;
  if (verb === 'create' && first !== undefined)
    return create(tools, first, operands.slice(1).join(' ') || 'Administrator');
  if (verb === 'role' && first !== undefined && second !== undefined && operands.length === 2) {
    if (!ROLES.includes(second)) throw new CommandError(`a role is one of ${ROLES.join(', ')}`, EXIT.usage);
    return changed(await giveRole(tools.api, await find(tools.api, first), second));
  }
  if (verb === 'rotate-keys' && first !== undefined && operands.length === 1 && Object.hasOwn(KEYS, first)) {
    const json = await tools.api.post<{ kid: string; signs_from?: string }>(KEYS[first]!, {});
    const from = json.signs_from === undefined ? '' : `; it signs from ${json.signs_from}`;
    return { json, lines: [`${first} have a new key, ${json.kid}${from}. What is out stays valid.`] };
  }
  throw new CommandError(
    'admin takes create <email> [name], role <email> <role>, or rotate-keys tokens|tickets; see --help',
    EXIT.usage,
  );
}

/** An account like any other, which then gets the role: the gateway knows no second way to make one, and both steps are audited. */
async function create({ api, anonymous, readPassword }: AdminTools, email: string, name: string): Promise<Report> {
  const password = await readPassword();
  const { user, refresh_token: session } = await anonymous.post<{ user: UserJson; refresh_token: string }>(
    '/v1/auth/register',
    { email, password, name },
  );
  try {
    const made = await giveRole(api, user, 'admin');
    // Registering signs in; nobody is going to use that session.
    await anonymous.post('/v1/auth/logout', { refresh_token: session });
    return changed(made);
  } catch (error) {
    const why = error instanceof ApiError ? error.message : String(error);
    throw new CommandError(
      `${user.email} has an account, as a customer: ${why}. admin role ${user.email} admin finishes it.`,
      EXIT.refused,
    );
  }
}

async function find(api: ApiClient, email: string): Promise<UserJson> {
  const { data } = await api.get<{ data: UserJson[] }>(`/v1/users?email=${encodeURIComponent(email)}`);
  if (data[0] === undefined) throw new CommandError(`nobody has the address ${email}`, EXIT.refused);
  return data[0];
}

const giveRole = (api: ApiClient, { id }: UserJson, role: string) =>
  api.patch<UserJson>(`/v1/users/${id}/role`, { role });

const changed = (json: UserJson): Report => ({ json, lines: [`${json.email} is ${json.role}  ${json.id}`] });

/**
 * A password from stdin: the first line of what comes through a pipe, or what is typed twice without being shown. Never an argument,
 * which every user of the machine could read in the list of processes. @throws CommandError when there is none, or both differ.
 */
export async function readPassword(): Promise<string> {
  if (!process.stdin.isTTY) {
    let text = '';
    for await (const chunk of process.stdin) text += String(chunk);
    return required(text.split(/\r?\n/)[0]!);
  }
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  lines.once('SIGINT', () => process.exit(130));
  const ask = async (what: string) => {
    process.stderr.write(what);
    const answer = await lines.question('');
    process.stderr.write('\n');
    return answer;
  };
  try {
    const password = required(await ask('Password of the new account: '));
    if ((await ask('Once more: ')) !== password) throw new CommandError('the two differ', EXIT.refused);
    return password;
  } finally {
    lines.close();
  }
}

function required(password: string): string {
  if (password === '') throw new CommandError('a password comes on stdin', EXIT.usage);
  return password;
}
