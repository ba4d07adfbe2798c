/** Something that must be so in the tables of one service. */
export interface Invariant {
  /** Stable: metrics, stored results and the runbook know it by this name. */
  readonly name: string;
  /** What must be so, in a sentence. */
  readonly description: string;
  /** `minute` for what indexes answer; `hour` for what reads whole tables. */
  readonly every: 'minute' | 'hour';
  /** Answers a row for each violation. One statement, so one snapshot: what is half-way in a transaction is not seen. */
  readonly sql: string;
}

/** One that no statement over one service's tables can tell: it asks others, and so is left alone while a deployment comes up. */
export interface ComputedInvariant extends Omit<Invariant, 'sql'> {
  /** Answers a row for each violation. @throws when it could not be found out; nothing is known then. */
  readonly find: () => Promise<readonly object[]>;
}
