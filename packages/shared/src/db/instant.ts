/** Formats for to_char of a time in UTC. The first is what `Date.toISOString` writes. */
export const MILLISECONDS = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;
/** So that what happened within a millisecond keeps its order. */
export const MICROSECONDS = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;
