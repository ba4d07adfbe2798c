import type { Requests } from '../load/http-load.ts';
import { commonWord, randomNumbers, WORDS } from './search-catalogue.ts';

export type SearchKind = 'browse' | 'words' | 'typos' | 'free';

export interface SearchRequestsParams {
  readonly host: string;
  readonly kind: SearchKind;
}

const DAY_MS = 86_400_000;
const CITIES = ['paris', 'lyon', 'berlin', 'hamburg', 'wien'];

/** GET /v1/search as people search: each request another query of its kind, the same ones in each run. */
export function createRequests({ host, kind }: SearchRequestsParams): Requests {
  const random = randomNumbers(kind.length * 31 + 1);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const word = () => commonWord(random(), WORDS);
  const someTime = () => {
    const from = Date.now() + Math.floor(random() * 700) * DAY_MS;
    return { from: new Date(from).toISOString(), to: new Date(from + 30 * DAY_MS).toISOString() };
  };
  const queries: Record<SearchKind, () => Record<string, string>> = {
    browse: () => pick([{}, someTime(), { ...someTime(), category: 'premium' }, { ...someTime(), max_price: '1500' }]),
    words: () =>
      pick([
        { q: word() },
        { q: word().slice(0, 4) },
        { q: `${word()} ${word()}` },
        { q: `${word()} ${pick(CITIES)}` },
        { q: word(), ...someTime(), max_price: '4000' },
      ]),
    typos: () => ({ q: mistype(word(), random()) }),
    free: () => ({ available: 'true', ...pick([{}, someTime(), { q: word() }]) }),
  };
  return {
    before: [],
    next() {
      const query = new URLSearchParams(queries[kind]()).toString();
      return `GET /v1/search?${query} HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\n\r\n`;
    },
    isSuccess: (outcome) => outcome === '200',
  };
}

/** Two letters change places. */
function mistype(word: string, at: number): string {
  const index = 1 + Math.floor(at * (word.length - 2));
  return word.slice(0, index) + word[index + 1]! + word[index]! + word.slice(index + 2);
}
