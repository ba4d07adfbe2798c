import type { ApiClient } from '../first-bookings/api-client.ts';

/** What a command found: for programs as it is, for people as lines. */
export interface Report {
  readonly json: unknown;
  readonly lines: readonly string[];
  /** 0 unless told. */
  readonly exitCode?: number;
}

export type Command = (api: Pick<ApiClient, 'get' | 'post'>, operands: readonly string[]) => Promise<Report>;
