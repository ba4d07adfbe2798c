/** What a bench found is not what it must find, however fast it was. @throws Error with both. */
export function exactly(what: string, found: unknown, wanted: unknown): void {
  const [is, must] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (is !== must) throw new Error(`${what}: ${is}, and must be ${must}`);
}
