/** What the box at the end of a start shows. */
export interface Welcome {
  readonly urls: readonly (readonly [name: string, url: string])[];
  readonly users: readonly (readonly [role: string, email: string, password: string])[];
  /** Printed below the box, unframed, so that they can be copied. */
  readonly commands: readonly string[];
}

/** The box as lines. */
export function welcomeLines(welcome: Welcome): string[] {
  const nameWidth = Math.max(
    ...welcome.urls.map(([name]) => name.length),
    ...welcome.users.map(([role]) => role.length),
  );
  const emailWidth = Math.max(...welcome.users.map(([, email]) => email.length));
  const inside = [
    'Holdfast is running. Ctrl-C stops everything.',
    '',
    ...welcome.urls.map(([name, url]) => `${name.padEnd(nameWidth)}  ${url}`),
    '',
    ...welcome.users.map(
      ([role, email, password]) => `${role.padEnd(nameWidth)}  ${email.padEnd(emailWidth)}  ${password}`,
    ),
  ];
  const width = Math.max(...inside.map((line) => line.length));
  return [
    `┌${'─'.repeat(width + 2)}┐`,
    ...inside.map((line) => `│ ${line.padEnd(width)} │`),
    `└${'─'.repeat(width + 2)}┘`,
    'To try:',
    ...welcome.commands.map((command) => `  ${command}`),
  ];
}
