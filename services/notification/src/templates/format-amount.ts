/**
 * Decimal places of ISO 4217 currencies that do not have two. Not taken from Intl: its data follows what is in circulation (the
 * Iraqi dinar has none there), minor units follow the standard.
 */
const EXPONENTS: Record<string, number> = {
  ...of(0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'),
  ...of(3, 'BHD IQD JOD KWD LYD OMR TND'),
  ...of(4, 'CLF UYW'),
};

function of(exponent: number, codes: string): Record<string, number> {
  return Object.fromEntries(codes.split(' ').map((code) => [code, exponent]));
}

/** Making one takes longer than a hundred uses of it. One for each currency. */
const formats = new Map<string, Intl.NumberFormat>();

function formatOf(currency: string, exponent: number): Intl.NumberFormat {
  const known = formats.get(currency);
  if (known) return known;
  const format = new Intl.NumberFormat('en-GB', {
    style: 'currency',
    currency,
    minimumFractionDigits: exponent,
    maximumFractionDigits: exponent,
  });
  formats.set(currency, format);
  return format;
}

/** Minor units as people write the amount, e.g. 4500 EUR as €45.00. Exact for every integer: no division, no float. */
export function formatAmount(minorUnits: number | bigint, currency: string): string {
  const exponent = EXPONENTS[currency] ?? 2;
  return formatOf(currency, exponent).format(toDecimal(BigInt(minorUnits), exponent) as Intl.StringNumericLiteral);
}

/** Minor units as a decimal numeral, e.g. 1234 with exponent 3 as 1.234. */
export function toDecimal(minorUnits: bigint, exponent: number): string {
  const digits = (minorUnits < 0n ? -minorUnits : minorUnits).toString().padStart(exponent + 1, '0');
  const whole = digits.slice(0, digits.length - exponent);
  const fraction = digits.slice(digits.length - exponent);
  return `${minorUnits < 0n ? '-' : ''}${whole}${exponent > 0 ? `.${fraction}` : ''}`;
}
