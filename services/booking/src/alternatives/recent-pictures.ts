interface Kept<P> {
  readonly picture: P;
  readonly at: number;
}

export interface RecentPicturesOptions {
  /** A picture is drawn anew when it is older. */
  readonly freshMs: number;
  /** Pictures up to this age serve those who do not want to wait. */
  readonly usableMs: number;
  /** Drawings at a time; who comes beyond gets what there is. */
  readonly maxRunning: number;
  readonly clock?: () => number;
}

const KEPT = 500;

/**
 * Pictures of inventory that may be a moment old, by key. However many ask, each is drawn at most once in `freshMs`, and few are drawn
 * at a time: ten thousand who lose one seat cost a handful of statements.
 */
export class RecentPictures<P> {
  readonly #options: Required<RecentPicturesOptions>;
  readonly #kept = new Map<string, Kept<P>>();
  readonly #running = new Map<string, Promise<P | null>>();

  constructor(options: RecentPicturesOptions) {
    this.#options = { clock: () => performance.now(), ...options };
  }

  /**
   * The picture of a key; `draw` gets the last one, if there is any. Without `wait` a new one is begun if need be, and the last one
   * is given if it is usable. Null when there is nothing to give. @throws what `draw` throws, to those who wait.
   */
  async get(key: string, wait: boolean, draw: (last: P | null) => Promise<P | null>): Promise<P | null> {
    const kept = this.#kept.get(key);
    const age = kept ? this.#options.clock() - kept.at : Infinity;
    if (kept && age <= this.#options.freshMs) return kept.picture;
    const usable = kept && age <= this.#options.usableMs ? kept.picture : null;
    let running = this.#running.get(key);
    if (!running) {
      if (this.#running.size >= this.#options.maxRunning) return usable;
      running = this.#draw(key, () => draw(kept?.picture ?? null));
    }
    if (wait) return running;
    // Who does not wait does not hear of a failure; the next one who does will.
    running.catch(() => {});
    return usable;
  }

  #draw(key: string, draw: () => Promise<P | null>): Promise<P | null> {
    const at = this.#options.clock();
    const running = draw()
      .then((picture) => {
        this.#kept.delete(key);
        if (picture === null) return null;
        if (this.#kept.size >= KEPT) this.#kept.delete(this.#kept.keys().next().value!);
        this.#kept.set(key, { picture, at });
        return picture;
      })
      .finally(() => this.#running.delete(key));
    this.#running.set(key, running);
    return running;
  }
}
