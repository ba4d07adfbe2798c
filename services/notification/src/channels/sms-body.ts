export interface SmsFields {
  readonly from: string;
  readonly to: string;
  readonly text: string;
  readonly id: string;
}

const PLACEHOLDER = /\{(from|to|text|id)\}/g;

/** Whether a template says who gets a message and what it is. */
export function isSmsBody(template: string): boolean {
  if (!template.includes('{to}') || !template.includes('{text}')) return false;
  if (!isJson(template)) return true;
  try {
    JSON.parse(fillBody(template, { from: '"', to: '"', text: '"', id: '"' }).content);
    return true;
  } catch {
    return false;
  }
}

/**
 * The body of a provider's API, of a template with `{from}`, `{to}`, `{text}` and `{id}`. One that begins with `{"` or `[` is JSON, its
 * placeholders stand inside of strings; any other is a form: `From={from}&To={to}&Body={text}`.
 */
export function fillBody(template: string, fields: SmsFields): { type: string; content: string } {
  const json = isJson(template);
  const encode = json ? (value: string) => JSON.stringify(value).slice(1, -1) : encodeURIComponent;
  return {
    type: json ? 'application/json' : 'application/x-www-form-urlencoded',
    content: template.replace(PLACEHOLDER, (_, name: keyof SmsFields) => encode(fields[name])),
  };
}

function isJson(template: string): boolean {
  return /^\s*(\{\s*"|\[)/.test(template);
}
