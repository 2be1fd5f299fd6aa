/** What of a simulation can be written, customer by customer, as lines of text; the same on any thread. */
import { createSimulation, type SimulationOptions } from '@twinkeep/synthetic/simulate';
import { createSimulationTruths } from '@twinkeep/synthetic/truth';

/** `events` and `truth` are lines of JSON, one per event and one per customer; `customers` one line of JSON each: id, site, consent, row. */
export type SimulationPart = 'events' | 'customers' | 'truth';

/** From a customer's number to their lines, each with its newline. @throws RangeError */
export function createPart(options: SimulationOptions, part: SimulationPart): (index: number) => string {
  if (part === 'truth') {
    const key = createSimulationTruths(options);
    return (index) => `${JSON.stringify(key.truth(index))}\n`;
  }
  const simulation = createSimulation(options);
  if (part === 'events') return simulation.eventLines;
  return (index) => {
    const { id, site, consent } = simulation.customer(index);
    return `${JSON.stringify({ id, site, consent, row: simulation.record(index) })}\n`;
  };
}

/** Customers whose lines are made and handed over together. */
export const BLOCK = 256;

/** The lines of one block of customers, numbered from 0; the last may be short. */
export function blockLines(lines: (index: number) => string, customers: number, block: number): string {
  let text = '';
  for (let i = block * BLOCK; i < Math.min(customers, (block + 1) * BLOCK); i++) text += lines(i);
  return text;
}
