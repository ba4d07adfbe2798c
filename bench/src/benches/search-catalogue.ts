import { newId } from '@holdfast/shared/ids';
import type pg from 'pg';

export const EVENTS = 100_000;
const VENUES = 200;
const PER_STATEMENT = 5_000;
const CITIES = ['Paris', 'Lyon', 'Berlin', 'Hamburg', 'Wien', 'Praha', 'Kraków', 'Milano', 'Lisboa', 'København'];

/** The n-th of a made-up language's words: pronounceable, different for each n, the first ones short. */
export function wordOf(n: number): string {
  const starts = ['b', 'd', 'fr', 'g', 'k', 'l', 'm', 'n', 'p', 'r', 's', 'st', 't', 'v', 'w', 'z'];
  const vowels = ['a', 'e', 'i', 'o', 'u', 'au', 'ei'];
  let word = '';
  let rest = n;
  do {
    word += starts[rest % starts.length]!;
    rest = Math.floor(rest / starts.length);
    word += vowels[rest % vowels.length]!;
    rest = Math.floor(rest / vowels.length);
  } while (rest > 0 || word.length < 5);
  return word;
}

/** As in a language, few words are common and most are rare: the n-th is taken about 1/n as often as the first. `at` in [0, 1). */
export function commonWord(at: number, words: number): string {
  return wordOf(Math.floor(words ** at) - 1);
}

export const WORDS = 10_000;

/** Fills the catalogue with events of the next three years, three words in each name; one in five is not sold any more. */
export async function fillCatalogue(admin: pg.Client, detail: (line: string) => void): Promise<void> {
  await admin.query('set search_path = booking, public');
  const venues = Array.from({ length: VENUES }, (_, n) => ({
    id: newId('ven'),
    name: `${wordOf(n * 37 + 5)} ${n % 2 ? 'Theater' : 'Arena'}`,
    address: `${n} ${wordOf(n)}, ${CITIES[n % CITIES.length]!}`,
  }));
  await admin.query(
    `insert into venues (id, name, time_zone, currency, address)
     select id, name, 'Europe/Paris', 'EUR', address from json_to_recordset($1::json) as v (id text, name text, address text)`,
    [JSON.stringify(venues)],
  );
  const random = randomNumbers(7);
  for (let done = 0; done < EVENTS; done += PER_STATEMENT) {
    const events = Array.from({ length: PER_STATEMENT }, () => {
      const words = Array.from({ length: 3 }, () => commonWord(random(), WORDS));
      return {
        id: newId('evt'),
        venue_id: venues[Math.floor(random() * VENUES)]!.id,
        name: words.join(' '),
        hours: 1 + Math.floor(random() * 3 * 365 * 24),
        closed: random() < 0.2,
        amount: 500 + Math.floor(random() * 100) * 100,
        second: random() < 0.3 ? 'premium' : 'standard-plus',
      };
    });
    await admin.query(
      `insert into events (id, venue_id, name, starts_at, ends_at, inventory, capacity, sales_close_at, prices)
       select id, venue_id, name, clock.app_now() + make_interval(hours => hours), clock.app_now() + make_interval(hours => hours + 2),
              'pool', 100, case when closed then clock.app_now() end,
              jsonb_build_array(jsonb_build_object('category', 'standard', 'amount', amount),
                                jsonb_build_object('category', second, 'amount', amount * 2))
         from json_to_recordset($1::json) as e (id text, venue_id text, name text, hours int, closed boolean, amount bigint, second text)`,
      [JSON.stringify(events)],
    );
    if ((done + PER_STATEMENT) % 20_000 === 0) detail(`${done + PER_STATEMENT} of ${EVENTS} events`);
  }
  for (const table of ['events', 'venues', 'search_entries', 'search_vocabulary'])
    await admin.query(`vacuum analyze ${table}`);
  await admin.query('reset search_path');
}

/** The same numbers in each run, in [0, 1) (a linear congruential generator). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
