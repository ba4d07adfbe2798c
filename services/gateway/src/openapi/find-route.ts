import type { ApiRoute, Method } from './route.ts';

/** What stands for a parameter in a path: ids, references and provider names. Anything else cannot name a thing. */
export const PARAMETER = /^[A-Za-z0-9_-]{1,64}$/;

interface Pattern {
  readonly route: ApiRoute;
  /** Null where a parameter stands. */
  readonly parts: readonly (string | null)[];
}

const METHODS: Readonly<Record<string, Method>> = {
  GET: 'get',
  HEAD: 'get',
  POST: 'post',
  PATCH: 'patch',
  DELETE: 'delete',
};

/**
 * Makes a function that finds the route of a path as our own clients write it: letter by letter, parameters that need no decoding. Null
 * for any other, of which the router may know what it means. The first of several in `routes` is the one.
 */
export function routeFinder(routes: readonly ApiRoute[]): (method: string, path: string) => ApiRoute | null {
  // By method and number of parts there are a few candidates each.
  const patterns = new Map<string, Pattern[]>();
  for (const route of routes) {
    const parts = route.path.split('/').map((part) => (part.startsWith(':') ? null : part));
    const kind = `${route.method}${parts.length}`;
    patterns.set(kind, [...(patterns.get(kind) ?? []), { route, parts }]);
  }
  return (method, path) => {
    const parts = path.split('/');
    for (const pattern of patterns.get(`${METHODS[method]}${parts.length}`) ?? []) {
      if (isMatch(pattern.parts, parts)) return pattern.route;
    }
    return null;
  };
}

function isMatch(pattern: readonly (string | null)[], parts: readonly string[]): boolean {
  // From the end: almost all paths begin alike.
  for (let i = parts.length - 1; i > 0; i -= 1) {
    const expected = pattern[i];
    if (expected === null ? !PARAMETER.test(parts[i]!) : expected !== parts[i]) return false;
  }
  return parts[0] === '';
}
