import {
  interRowSimilarity,
  sequenceLengthSimilarity,
  sequenceStatisticSimilarity,
} from '@twinkeep/synthetic/evaluate';
import { createRandomSource, uniform } from '@twinkeep/synthetic/random';
import {
  fitSequences,
  sampleSequences,
  SyntheticError,
  type Measure,
  type SequenceEvent,
  type SequenceSchema,
} from '@twinkeep/synthetic/synthesize';
import { describe, expect, it } from 'vitest';

const schema: SequenceSchema = {
  types: ['visit', 'order', 'return'],
  maxEvents: 12,
  gapEdges: [1, 2, 5, 20, 30, 40, 50],
  maxGap: 60,
};

/** A visit first; after a visit an order within days or another visit after weeks; a return only after an order. */
function customers(count: number, seed: number): SequenceEvent[][] {
  const random = createRandomSource(seed);
  return Array.from({ length: count }, (_, i) => {
    const stream = random.stream(i, 'life');
    const length = Math.floor(uniform(stream) ** 2 * 11);
    const events: SequenceEvent[] = [];
    let time = 0;
    for (let k = 0; k < length; k++) {
      const before = events.at(-1)?.type;
      const u = uniform(stream);
      const type =
        before === 'visit'
          ? u < 0.5
            ? 'order'
            : 'visit'
          : before === 'order' && u < 0.3
            ? 'return'
            : 'visit';
      time += type === 'visit' ? 20 + 40 * uniform(stream) : 5 * uniform(stream);
      events.push({ type, time });
    }
    return events;
  });
}

const real = customers(4_000, 1);
const gaps = (sequences: SequenceEvent[][]): number[][] =>
  sequences.map((events) => events.slice(1).map(({ time }, i) => time - events[i]!.time));
const times = (sequences: SequenceEvent[][]): number[][] =>
  sequences.map((events) => events.map(({ time }) => time));
const pairs = (sequences: SequenceEvent[][]): Map<string, number> => {
  const counts = new Map<string, number>();
  let total = 0;
  for (const events of sequences)
    for (const [i, { type }] of events.entries()) {
      const pair = `${events[i - 1]?.type ?? 'start'}>${type}`;
      counts.set(pair, (counts.get(pair) ?? 0) + 1);
      total++;
    }
  return new Map([...counts].map(([pair, count]) => [pair, count / total]));
};

describe('event sequences', () => {
  it('keep lengths, order and gaps', async () => {
    const made = sampleSequences(await fitSequences(real, schema, null), 4_000, 1);
    expect(sequenceLengthSimilarity(times(real), times(made))).toBeGreaterThan(0.97);
    for (const statistic of ['mean', 'median', 'max'] as const)
      expect(sequenceStatisticSimilarity(gaps(real), gaps(made), statistic)).toBeGreaterThan(0.9);
    expect(interRowSimilarity(times(real), times(made))).toBeGreaterThan(0.93);
    const [wanted, found] = [pairs(real), pairs(made)];
    expect(new Set(found.keys())).toEqual(new Set(wanted.keys()));
    expect(found.has('visit>return')).toBe(false);
    for (const [pair, share] of wanted) expect(Math.abs(found.get(pair)! - share)).toBeLessThan(0.02);
    for (const events of made)
      expect(events.map(({ time }) => time)).toEqual(
        events.map(({ time }) => time).toSorted((a, b) => a - b),
      );
  });

  it('with epsilon: most of it, and the ledger says what each customer may move', async () => {
    const model = await fitSequences(real, schema, { epsilon: 3, delta: 1e-6 });
    const made = sampleSequences(model, 4_000, 1);
    expect(sequenceLengthSimilarity(times(real), times(made))).toBeGreaterThan(0.93);
    expect(Math.abs(pairs(made).get('visit>order')! - pairs(real).get('visit>order')!)).toBeLessThan(0.1);
    const { rho, lengthVariance, transitionVariance } = model.privacy!;
    const spent = 1 / (2 * lengthVariance) + 12 ** 2 / (2 * transitionVariance);
    expect(spent).toBeLessThanOrEqual(rho * (1 + 1e-9));
    expect(spent).toBeGreaterThan(0.99 * rho);
  });

  it('counts no more of a customer than is allowed for: one more customer moves what the noise is scaled to', async () => {
    const capture = async (sequences: SequenceEvent[][]): Promise<Int32Array[]> => {
      const seen: Int32Array[] = [];
      const measure: Measure = async (counts) => {
        seen.push(counts.slice());
        return counts;
      };
      await fitSequences(sequences, schema, { epsilon: 1, delta: 1e-6 }, measure);
      return seen;
    };
    const glutton = Array.from({ length: 500 }, (_, i) => ({ type: 'visit', time: i }));
    const [before, after] = [
      await capture(real.slice(0, 50)),
      await capture([...real.slice(0, 50), glutton]),
    ];
    const moved = (i: number): number =>
      Math.sqrt(after[i]!.reduce((sum, count, cell) => sum + (count - before[i]![cell]!) ** 2, 0));
    expect(moved(0)).toBe(1);
    expect(moved(1)).toBeLessThanOrEqual(schema.maxEvents);
    expect(moved(1)).toBeGreaterThan(schema.maxEvents - 2);
  });

  it('are the same for the same seed, customer by customer, and from a file', async () => {
    const model = await fitSequences(real, schema, null);
    const again = JSON.parse(JSON.stringify(model)) as typeof model;
    expect(sampleSequences(again, 20, 7)).toEqual(sampleSequences(model, 500, 7).slice(0, 20));
    expect(sampleSequences(model, 20, 8)).not.toEqual(sampleSequences(model, 20, 7));
  });

  it('of nobody, and of customers without events', async () => {
    const none = await fitSequences([[], []], schema, null);
    expect(sampleSequences(none, 3, 1)).toEqual([[], [], []]);
  });

  it.each([
    [[[{ type: 'gift', time: 0 }]], /row 1.*gift/],
    [
      [
        [],
        [
          { type: 'visit', time: 3 },
          { type: 'visit', time: 2 },
        ],
      ],
      /row 2.*order/,
    ],
    [[[{ type: 'visit', time: -1 }]], /row 1.*order/],
    [[[{ type: 'visit', time: Number.NaN }]], /row 1.*order/],
  ])('refuses %j', async (sequences, message) => {
    const failure = fitSequences(sequences, schema, null);
    await expect(failure).rejects.toThrow(SyntheticError);
    await expect(failure).rejects.toThrow(message);
  });

  it.each([
    [{ types: [] }, /types/],
    [{ types: ['a', 'a'] }, /types/],
    [{ maxEvents: 0 }, /maxEvents/],
    [{ gapEdges: [2, 1] }, /gap edges/],
    [{ gapEdges: [0] }, /gap edges/],
    [{ maxGap: 50 }, /gap edges/],
  ])('refuses the schema %j', async (wrong, message) => {
    await expect(fitSequences(real, { ...schema, ...wrong }, null)).rejects.toThrow(message);
    await expect(fitSequences([], schema, { epsilon: 0, delta: 0.1 })).rejects.toThrow(/epsilon 0/);
  });
});
