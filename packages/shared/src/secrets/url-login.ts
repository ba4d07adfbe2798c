/** What a server is to be told about who connects. */
export interface Login {
  readonly user: string;
  readonly password: string;
}

/** User and password in a URL, null where it names neither. */
export function loginOf(url: string): Login | null {
  const { username, password } = new URL(url);
  return username === '' && password === ''
    ? null
    : { user: decodeURIComponent(username), password: decodeURIComponent(password) };
}

/** The URL without them. */
export function withoutLogin(url: string): string {
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  return bare.href;
}
