/** What the provider did, by its own account (infra/provider-simulator/README.md); amounts in minor units. */
export interface Effect {
  readonly seq: number;
  readonly kind: string;
  readonly booking_id: string | null;
  readonly amount: number | null;
}

const PAGE = 1_000;

/** Every effect so far, oldest first; of one booking when its id is given. */
export async function readEffects(providerUrl: string, bookingId?: string): Promise<Effect[]> {
  const effects: Effect[] = [];
  for (;;) {
    const search = new URLSearchParams({ limit: String(PAGE), after: String(effects.at(-1)?.seq ?? 0) });
    if (bookingId !== undefined) search.set('booking_id', bookingId);
    const response = await fetch(`${providerUrl}/simulator/effects?${search.toString()}`, {
      signal: AbortSignal.timeout(5_000),
    });
    if (!response.ok) throw new Error(`the provider's witness answered ${response.status}`);
    const page = (await response.json()) as Effect[];
    effects.push(...page);
    if (page.length < PAGE) return effects;
  }
}
