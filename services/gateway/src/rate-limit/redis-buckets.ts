import type { Redis } from '@holdfast/shared/redis/redis';
import type { Grant } from './bucket-rules.ts';
import type { BucketAsk, Buckets } from './buckets.ts';

const PREFIX = 'holdfast:limit:';
/** Buckets in one call: a long script would keep the others of this Redis waiting. */
const AT_ONCE = 200;

/**
 * `draw` of bucket-rules.ts for many buckets at once, by the clock of Redis, so that gateways whose clocks differ count alike. A
 * bucket that would be full again is not kept. The answer begins with the last argument, which tells whose it is.
 */
const SETTLE = `
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answers = { tonumber(ARGV[#ARGV]) }
for i = 1, #KEYS do
  local a = (i - 1) * 5
  local capacity, per_ms, block_ms = tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])
  local spent, want = tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5])
  local tokens = capacity
  local known = redis.call('get', KEYS[i])
  if known then
    local had, at = string.match(known, '^(%S+) (%S+)$')
    tokens = math.min(capacity, tonumber(had) + math.max(0, now - tonumber(at)) * per_ms)
  end
  tokens = math.min(capacity, tokens - spent)
  local granted = math.max(0, math.min(want, math.floor(tokens)))
  tokens = tokens - granted
  if block_ms > 0 and granted < want and tokens >= 0 then
    tokens = 1 - block_ms * per_ms
  end
  local full_in = math.ceil((capacity - tokens) / per_ms)
  if full_in > 0 then
    redis.call('set', KEYS[i], string.format('%.9g %.0f', tokens, now), 'px', string.format('%.0f', full_in))
  else
    redis.call('del', KEYS[i])
  end
  local wait = 0
  if tokens < 1 then wait = math.ceil((1 - tokens) / per_ms) end
  answers[#answers + 1] = granted
  answers[#answers + 1] = math.floor(tokens)
  answers[#answers + 1] = wait
end
return answers
`;

type SettleCommand = (keys: number, ...rest: (string | number)[]) => Promise<unknown>;

/**
 * Buckets in Redis, shared by all gateways. A call is answered within the client's 100 ms or rejects. The answer of another call is
 * refused: a limit made of it could let nobody through any more. The connection is made anew then, because all later answers on it
 * would be another's, too.
 */
export class RedisBuckets implements Buckets {
  readonly #redis: Redis;
  readonly #settle: SettleCommand;
  #calls = 0;

  constructor(redis: Redis) {
    this.#redis = redis;
    redis.defineCommand('holdfastSettleBuckets', { lua: SETTLE });
    const command = (redis as unknown as Record<'holdfastSettleBuckets', SettleCommand>).holdfastSettleBuckets;
    this.#settle = command.bind(redis);
  }

  async settle(asks: readonly BucketAsk[]): Promise<readonly Grant[]> {
    const parts: Promise<Grant[]>[] = [];
    for (let from = 0; from < asks.length; from += AT_ONCE) parts.push(this.#part(asks.slice(from, from + AT_ONCE)));
    return (await Promise.all(parts)).flat();
  }

  async #part(asks: readonly BucketAsk[]): Promise<Grant[]> {
    const call = ++this.#calls;
    const keys = asks.map((ask) => PREFIX + ask.key);
    const numbers = asks.flatMap(({ size, spent, want }) => [size.capacity, size.perMs, size.blockMs, spent, want]);
    const answer: unknown = await this.#settle(keys.length, ...keys, ...numbers, call);
    if (!Array.isArray(answer) || answer[0] !== call || answer.length !== 1 + asks.length * 3) {
      this.#redis.disconnect(true);
      throw new Error('Redis gave the answer of another call');
    }
    const figures = answer as number[];
    return asks.map((_, i) => ({
      granted: figures[i * 3 + 1]!,
      left: figures[i * 3 + 2]!,
      waitMs: figures[i * 3 + 3]!,
    }));
  }
}
