/**
 * Sequences of events per customer: how many, in which order, how far apart. Lengths are a histogram; each event follows from the one
 * before (a Markov chain of the first order over types, together with the gap). With epsilon and delta the counts carry exact discrete
 * Gaussian noise, and the unit is a whole customer: only the first `maxEvents` of one are counted, so a customer moves the
 * transition counts by at most `maxEvents` (L2) and the histogram by 1.
 */
import { noiseMultiplierFor, roundRho } from '@twinkeep/protocol';
import { categorical, uniform } from '../distributions.ts';
import { SyntheticError } from '../error.ts';
import { createRandomSource } from '../prng.ts';
import { binCodes } from '../evaluate/pair.ts';
import { measure, ratioToNumber, varianceFor, type Measure } from './counts.ts';

export interface SequenceEvent {
  type: string;
  /** Since the customer's first day, in any unit; not negative, not descending. */
  time: number;
}

/** Public. */
export interface SequenceSchema {
  types: string[];
  /** Events of a customer that count; 1 to 10,000. */
  maxEvents: number;
  /** Ascending inner edges of the gaps' bins, all positive; the last bin ends at `maxGap`. */
  gapEdges: number[];
  maxGap: number;
}

export interface SequenceModel {
  kind: 'sequences';
  schema: SequenceSchema;
  /** Weights of the lengths 0 to maxEvents. */
  lengths: number[];
  /** Per type before (the last row: the beginning), weights of (type, gap's bin), row-major. */
  transitions: number[][];
  privacy: {
    epsilon: number;
    delta: number;
    rho: number;
    unit: 'customer added or removed';
    lengthVariance: number;
    transitionVariance: number;
  } | null;
}

/** @throws SyntheticError 'synthetic/schema', 'synthetic/data' (row = number of the customer) or 'synthetic/privacy' */
export async function fitSequences(
  customers: readonly (readonly SequenceEvent[])[],
  schema: SequenceSchema,
  privacy: { epsilon: number; delta: number } | null,
  addNoise: Measure = measure,
): Promise<SequenceModel> {
  checkSchema(schema);
  const { types, maxEvents, gapEdges, maxGap } = schema;
  const bins = gapEdges.length + 1;
  const lengths = new Int32Array(maxEvents + 1);
  const transitions = new Int32Array((types.length + 1) * types.length * bins);
  const places = new Map(types.map((type, place) => [type, place]));
  const edges = Float64Array.from(gapEdges);
  for (const [i, events] of customers.entries()) {
    const counted = events.slice(0, maxEvents);
    lengths[counted.length]! += 1;
    let [before, time] = [types.length, 0];
    for (const event of counted) {
      const type = places.get(event.type);
      const gap = event.time - time;
      if (type === undefined)
        throw new SyntheticError('synthetic/data', `${event.type} is none of the schema's types`, {
          row: i + 1,
        });
      if (!(gap >= 0))
        throw new SyntheticError('synthetic/data', 'its events are not in order', { row: i + 1 });
      const bin = binCodes(Float64Array.of(Math.min(gap, maxGap)), edges)[0] as number;
      transitions[(before * types.length + type) * bins + bin]! += 1;
      [before, time] = [type, event.time];
    }
  }
  const noise = privacy === null ? null : openBudget(privacy, maxEvents);
  const noisyLengths = await addNoise(lengths, noise?.lengths ?? null);
  const noisyTransitions = await addNoise(transitions, noise?.transitions ?? null);
  const width = types.length * bins;
  return {
    kind: 'sequences',
    schema,
    lengths: positive(noisyLengths),
    transitions: Array.from({ length: types.length + 1 }, (_, row) =>
      positive(noisyTransitions.subarray(row * width, (row + 1) * width)),
    ),
    privacy:
      privacy === null || noise === null
        ? null
        : {
            ...privacy,
            rho: noise.rho,
            unit: 'customer added or removed',
            lengthVariance: ratioToNumber(noise.lengths),
            transitionVariance: ratioToNumber(noise.transitions),
          },
  };
}

/** A fifth of rho for the lengths; L2 sensitivities 1 and maxEvents. */
function openBudget({ epsilon, delta }: { epsilon: number; delta: number }, maxEvents: number) {
  if (!(epsilon > 0 && epsilon <= 100 && delta > 0 && delta < 1))
    throw new SyntheticError(
      'synthetic/privacy',
      `epsilon ${epsilon}, delta ${delta}: not 0 to 100 and 0 to 1`,
    );
  const rho = roundRho(noiseMultiplierFor({ epsilon, delta, participations: 1 }));
  return {
    rho,
    lengths: varianceFor(1, 0.2 * rho),
    transitions: varianceFor(maxEvents * maxEvents, 0.8 * rho),
  };
}

/** Sequences of as many customers, each from their number alone. */
export function sampleSequences(model: SequenceModel, customers: number, seed: number): SequenceEvent[][] {
  const { types, gapEdges, maxGap } = model.schema;
  const bins = gapEdges.length + 1;
  const random = createRandomSource(seed);
  const sizes = [...model.lengths.keys()];
  const cells = Array.from({ length: types.length * bins }, (_, cell) => cell);
  const overall = cells.map((cell) => model.transitions.reduce((sum, row) => sum + (row[cell] as number), 0));
  const somewhere = overall.some((weight) => weight > 0) ? overall : cells.map(() => 1);
  const rows = model.transitions.map((row) => (row.some((weight) => weight > 0) ? row : somewhere));
  const ends = [0, ...gapEdges, maxGap];
  return Array.from({ length: customers }, (_, customer) => {
    const stream = random.stream(customer, 'sequence');
    const length = categorical(stream, sizes, model.lengths);
    const events: SequenceEvent[] = [];
    let [before, time] = [types.length, 0];
    for (let i = 0; i < length; i++) {
      const cell = categorical(stream, cells, rows[before] as number[]);
      const bin = cell % bins;
      const [low, high] = [ends[bin] as number, ends[bin + 1] as number];
      before = Math.floor(cell / bins);
      time += low + (high - low) * uniform(stream);
      events.push({ type: types[before] as string, time });
    }
    return events;
  });
}

function positive(counts: Int32Array): number[] {
  return Array.from(counts, (count) => Math.max(0, count));
}

function checkSchema({ types, maxEvents, gapEdges, maxGap }: SequenceSchema): void {
  const ends = [0, ...gapEdges, maxGap];
  const wrong =
    types.length === 0 || new Set(types).size !== types.length
      ? 'types are at least one, each once'
      : !Number.isInteger(maxEvents) || maxEvents < 1 || maxEvents > 10_000
        ? `maxEvents ${maxEvents} is no integer from 1 to 10,000`
        : ends.some((end, i) => i > 0 && !(end > (ends[i - 1] as number)))
          ? 'gap edges ascend from above 0 to below maxGap'
          : null;
  if (wrong !== null) throw new SyntheticError('synthetic/schema', wrong);
}
