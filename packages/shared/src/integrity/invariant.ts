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
