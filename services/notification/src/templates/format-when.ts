/**
 * The time span on the venue's clock, e.g. `Monday 4 January 2027, 19:00 to 21:30 (Europe/Paris, CET)`. The second day is named when
 * it is another one, and both zone names when the clocks change in between.
 */
export function formatWhen(startsAt: string, endsAt: string, timeZone: string): string {
  const start = parts(new Date(startsAt), timeZone);
  const end = parts(new Date(endsAt), timeZone);
  const until = end.date === start.date ? end.time : `${end.date}, ${end.time}`;
  const zone = end.zone === start.zone ? start.zone : `${start.zone} to ${end.zone}`;
  return `${start.date}, ${start.time} to ${until} (${timeZone}, ${zone})`;
}

/** A moment on the venue's clock, e.g. `Monday 4 January 2027, 19:00 (Europe/Paris, CET)`. */
export function formatMoment(at: string, timeZone: string): string {
  const { date, time, zone } = parts(new Date(at), timeZone);
  return `${date}, ${time} (${timeZone}, ${zone})`;
}

/** Making one takes longer than a hundred uses of it. There are some 600 zones, so it does not grow for ever. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  });
  formats.set(timeZone, format);
  return format;
}

function parts(at: Date, timeZone: string): { date: string; time: string; zone: string } {
  const found = Object.fromEntries(
    formatOf(timeZone)
      .formatToParts(at)
      .map((part) => [part.type, part.value]),
  );
  return {
    date: `${found['weekday']} ${found['day']} ${found['month']} ${found['year']}`,
    time: `${found['hour']}:${found['minute']}`,
    zone: found['timeZoneName'] ?? timeZone,
  };
}
