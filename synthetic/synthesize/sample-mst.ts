/**
 * Rows from a tree model, with conditions if wanted: evidence goes up the tree (sum-product), values come down it. By "randomised
 * rounding" each group of rows with the same parent gets floor(p n) copies of each value and the rest by the fractional parts, so that
 * sampling adds little to the noise of the fit.
 */
import { uniform } from '../distributions.ts';
import { SyntheticError } from '../error.ts';
import { createRandomSource, type RandomStream } from '../prng.ts';
import { createTable, type Column, type Table } from '../table.ts';
import { shuffledPlaces } from '../evaluate/reference.ts';
import { createCodec, type Codec, type Condition } from './codec.ts';
import type { MstModel, TreeClass } from './mst.ts';
import type { ColumnSchema } from './schema.ts';

export type Conditions = Readonly<Record<string, Condition>>;

/** Rows in random order, the columns in the order of the schema, without computed totals. @throws SyntheticError 'synthetic/unsatisfiable' */
export function sampleMst(model: MstModel, rows: number, seed: number, conditions: Conditions = {}): Table {
  const codecs = new Map(model.schema.columns.map((column) => [column.name, createCodec(column)]));
  const codecOf = (name: string): Codec => codecs.get(name) as Codec;
  for (const name of Object.keys(conditions))
    if (name !== model.target && !model.attributes.includes(name))
      throw new SyntheticError('synthetic/unsatisfiable', 'the model does not know it', { column: name });

  const random = createRandomSource(seed);
  const allowed = (name: string): Float64Array | null =>
    conditions[name] === undefined ? null : codecOf(name).satisfying(conditions[name]);
  const classWeights = model.target === null ? null : allowed(model.target);
  const evidence = model.attributes.map(allowed);
  const ready = model.classes.map((one) => withEvidence(one, evidence));
  const weights = model.classes.map(
    ({ rows: size, cell }, i) => size * (classWeights?.[cell] ?? 1) * (ready[i] as Ready).likelihood,
  );
  if (!weights.some((weight) => weight > 0))
    throw new SyntheticError('synthetic/unsatisfiable', 'the model gives these conditions no chance');

  const sizes = roundRandomly(weights, rows, random.stream(0, 'classes'));
  const cells = model.attributes.map(() => new Int32Array(rows));
  const classCells = new Int32Array(rows);
  // Rows of a class are scattered: the order of the result tells nothing.
  const places = shuffledPlaces(random.stream(0, 'order'), rows);
  let from = 0;
  for (const [i, size] of sizes.entries()) {
    const own = places.subarray(from, from + size);
    from += size;
    const one = model.classes[i] as TreeClass;
    for (const place of own) classCells[place] = one.cell;
    if (size > 0) sampleClass(one, ready[i] as Ready, own, cells, random.stream(i, 'rows'));
  }
  const decoded = (name: string, codes: Int32Array): Column =>
    codecOf(name).decode(codes, random.stream(0, `decode:${name}`), conditions[name]);
  const columns = model.schema.columns.flatMap(({ name }: ColumnSchema) => {
    if (name === model.target) return [decoded(name, classCells)];
    const a = model.attributes.indexOf(name);
    return a < 0 ? [] : [decoded(name, cells[a] as Int32Array)];
  });
  return createTable(columns);
}

/** A class with the evidence multiplied in. */
interface Ready {
  /** Chance of the evidence. */
  likelihood: number;
  /** As `chances`, but given all evidence at and below the attribute; rows without any chance are all 0. */
  chances: Float64Array[];
  /** Per attribute and cell, its share of its group given the evidence. */
  spread: number[][];
}

function withEvidence(
  { tree, groups, chances }: TreeClass,
  evidence: readonly (Float64Array | null)[],
): Ready {
  const spread = groups.map(({ spread: shares }, a) =>
    shares.map((share, cell) => share * (evidence[a]?.[cell] ?? 1)),
  );
  // By attribute and group: the chance of the evidence at and below it.
  const below = groups.map(({ of, count }, a) => {
    const sums = new Float64Array(count);
    for (const [cell, group] of of.entries()) sums[group]! += (spread[a] as number[])[cell] as number;
    return sums;
  });
  const given = chances.map((table) => Float64Array.from(table));
  let likelihood = 0;
  for (const a of tree.order.toReversed()) {
    const table = given[a] as Float64Array;
    const own = below[a] as Float64Array;
    const parent = tree.parents[a] as number;
    for (let row = 0; row < table.length / own.length; row++) {
      let sum = 0;
      for (let group = 0; group < own.length; group++) {
        const at = row * own.length + group;
        table[at]! *= own[group] as number;
        sum += table[at] as number;
      }
      for (let group = 0; group < own.length; group++) if (sum > 0) table[row * own.length + group]! /= sum;
      if (parent < 0) likelihood = sum;
      else (below[parent] as Float64Array)[row]! *= sum;
    }
  }
  return { likelihood, chances: given, spread };
}

function sampleClass(
  { tree, groups }: TreeClass,
  { chances, spread }: Ready,
  places: Uint32Array,
  cells: readonly Int32Array[],
  stream: RandomStream,
): void {
  const drawn = groups.map(() => new Int32Array(places.length));
  for (const a of tree.order) {
    const { of, count } = groups[a] as TreeClass['groups'][number];
    const parent = tree.parents[a] as number;
    const own = drawn[a] as Int32Array;
    for (const [row, members] of rowsByParent(
      parent < 0 ? null : (drawn[parent] as Int32Array),
      places.length,
    )) {
      const shares = (chances[a] as Float64Array).subarray(row * count, (row + 1) * count);
      scatter(own, members, roundRandomly(shares, members.length, stream), stream);
    }
    const byGroup = rowsByParent(own, places.length);
    const target = cells[a] as Int32Array;
    for (const [group, members] of byGroup) {
      const inside = [...of.keys()].filter((cell) => of[cell] === group);
      const shares = inside.map((cell) => (spread[a] as number[])[cell] as number);
      const found = new Int32Array(places.length);
      scatter(found, members, roundRandomly(shares, members.length, stream), stream);
      for (const member of members)
        target[places[member] as number] = inside[found[member] as number] as number;
    }
  }
}

function rowsByParent(parents: Int32Array | null, rows: number): Map<number, number[]> {
  const groups = new Map<number, number[]>();
  for (let row = 0; row < rows; row++) {
    const parent = parents === null ? 0 : (parents[row] as number);
    const group = groups.get(parent);
    if (group === undefined) groups.set(parent, [row]);
    else group.push(row);
  }
  return groups;
}

/** Value v to `counts[v]` of the members, in random order. */
function scatter(
  into: Int32Array,
  members: readonly number[],
  counts: Int32Array,
  stream: RandomStream,
): void {
  const order = shuffledPlaces(stream, members.length);
  let next = 0;
  for (const [value, count] of counts.entries())
    for (let k = 0; k < count; k++) into[members[order[next++] as number] as number] = value;
}

/** Whole numbers in proportion to the weights that add up to `n`: the whole parts, and the rest by chance of the fractions. */
export function roundRandomly(weights: ArrayLike<number>, n: number, stream: RandomStream): Int32Array {
  const counts = new Int32Array(weights.length);
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i] as number;
  const fractions = new Float64Array(weights.length);
  let left = n;
  for (let i = 0; i < weights.length; i++) {
    const share = sum > 0 ? ((weights[i] as number) * n) / sum : n / weights.length;
    counts[i] = Math.floor(share);
    fractions[i] = share - (counts[i] as number);
    left -= counts[i] as number;
  }
  // Systematic sampling (Madow 1949): each value gets its fraction of a chance, and exactly `left` are drawn.
  const start = uniform(stream);
  let reached = 0;
  let drawn = 0;
  for (let i = 0; i < weights.length && drawn < left; i++) {
    reached += fractions[i] as number;
    while (drawn < left && drawn + start < reached) {
      counts[i]! += 1;
      drawn++;
    }
  }
  // What rounding of the sums left over goes to the largest weight.
  if (drawn < left) {
    let largest = 0;
    for (let i = 1; i < weights.length; i++)
      if ((weights[i] as number) > (weights[largest] as number)) largest = i;
    counts[largest]! += left - drawn;
  }
  return counts;
}
