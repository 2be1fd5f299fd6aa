import type { Random } from '@twinkeep/protocol';

/**
 * In an order drawn at random, but for the events of one subject, which stay in theirs: of what is logged together, the places in the log say
 * nothing about who came when.
 */
export function shuffleSubjects<Event extends { event: { subject: string } }>(
  events: readonly Event[],
  random: Random,
): Event[] {
  const keys = new DataView(random(8 * events.length).slice().buffer);
  const places = events.map((_, i) => ({ i, key: keys.getBigUint64(8 * i) }));
  places.sort((a, b) => (a.key < b.key ? -1 : 1));
  const waiting = new Map<string, Event[]>();
  for (const each of events) {
    const own = waiting.get(each.event.subject);
    if (own === undefined) waiting.set(each.event.subject, [each]);
    else own.push(each);
  }
  return places.map(({ i }) => waiting.get((events[i] as Event).event.subject)?.shift() as Event);
}
