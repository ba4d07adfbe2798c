/** Objects by id, listed newest first as every list of Stripe's API is. Replacing an object keeps its place. */
export class Collection<T extends { readonly id: string }> {
  readonly #objects: T[] = [];
  readonly #positions = new Map<string, number>();

  get size(): number {
    return this.#objects.length;
  }

  put(object: T): void {
    const position = this.#positions.get(object.id);
    if (position !== undefined) {
      this.#objects[position] = object;
      return;
    }
    this.#positions.set(object.id, this.#objects.length);
    this.#objects.push(object);
  }

  get(id: string): T | undefined {
    const position = this.#positions.get(id);
    return position === undefined ? undefined : this.#objects[position];
  }

  /**
   * One page, newest first: the objects older than `starting_after`, or the nearest ones newer than `ending_before`.
   * Returns undefined when the object of the cursor does not exist.
   */
  page(query: {
    limit: number;
    starting_after?: string | undefined;
    ending_before?: string | undefined;
    where: (object: T) => boolean;
  }): { data: T[]; has_more: boolean } | undefined {
    const cursor = query.starting_after ?? query.ending_before;
    const at = cursor === undefined ? this.#objects.length : this.#positions.get(cursor);
    if (at === undefined) return undefined;
    const step = query.starting_after === undefined && query.ending_before !== undefined ? 1 : -1;
    const data: T[] = [];
    let has_more = false;
    for (let index = at + step; index >= 0 && index < this.#objects.length; index += step) {
      const object = this.#objects[index] as T;
      if (!query.where(object)) continue;
      if (data.length === query.limit) {
        has_more = true;
        break;
      }
      data.push(object);
    }
    return { data: step === 1 ? data.reverse() : data, has_more };
  }
}
