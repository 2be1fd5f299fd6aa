/** Numbers and times as people read them. */

export function count(value: number): string {
  return value.toLocaleString('en-GB');
}

/** "1 report", "2 reports". */
export function plural(value: number, one: string, many: string = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `21 November, 14:05`, or the time alone for today. */
export function moment(millis: number, now: number): string {
  const date = new Date(millis);
  const time = date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  if (date.toDateString() === new Date(now).toDateString()) return time;
  return `${date.toLocaleDateString('en-GB', { day: 'numeric', month: 'long' })}, ${time}`;
}

export function seconds(millis: number): string {
  return `${(millis / 1_000).toFixed(1)} s`;
}
