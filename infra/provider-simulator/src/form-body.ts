/** What a form-encoded body decodes to: Stripe nests with `metadata[booking_id]=…` and lists with `expand[0]=…` or `expand[]=…`. */
export type FormValue = string | FormValue[] | { [key: string]: FormValue };
export type FormFields = { [key: string]: FormValue };

type Node = Map<string, Node | string>;

const MAX_DEPTH = 5;

/**
 * Decodes a form-encoded body or query string.
 * Returns undefined for what cannot be read: broken percent signs, broken brackets, a name that is both a value and a group.
 */
export function parseForm(encoded: string): FormFields | undefined {
  const root: Node = new Map();
  for (const pair of encoded.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals === -1 ? pair : pair.slice(0, equals));
    const value = decode(equals === -1 ? '' : pair.slice(equals + 1));
    if (name === undefined || value === undefined) return undefined;
    const path = parsePath(name);
    if (!path || !insert(root, path, value)) return undefined;
  }
  return toFields(root);
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** `a[b][]` becomes `['a', 'b', '']`. */
function parsePath(name: string): string[] | undefined {
  const match = /^([^[\]]+)((?:\[[^[\]]*\])*)$/.exec(name);
  if (!match) return undefined;
  const inner = [...(match[2] ?? '').matchAll(/\[([^[\]]*)\]/g)].map((part) => part[1] ?? '');
  return inner.length < MAX_DEPTH ? [match[1] ?? '', ...inner] : undefined;
}

function insert(root: Node, path: readonly string[], value: string): boolean {
  let node = root;
  for (const [index, part] of path.entries()) {
    const key = part === '' ? String(node.size) : part;
    if (index === path.length - 1) {
      if (node.get(key) instanceof Map) return false;
      node.set(key, value);
      return true;
    }
    const next = node.get(key) ?? new Map<string, Node | string>();
    if (typeof next === 'string') return false;
    node.set(key, next);
    node = next;
  }
  return true;
}

function toFields(node: Node): FormFields {
  // Without a prototype, a field called __proto__ is a field like any other.
  const fields = Object.create(null) as FormFields;
  for (const [key, child] of node) fields[key] = toValue(child);
  return fields;
}

function toValue(child: Node | string): FormValue {
  if (typeof child === 'string') return child;
  const isList = [...child.keys()].every((key, index) => key === String(index));
  return isList ? [...child.values()].map(toValue) : toFields(child);
}
