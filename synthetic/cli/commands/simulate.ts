import { join } from 'node:path';
import { formatOf, tablesToBytes } from '@twinkeep/synthetic/formats';
import { schemaFromTable } from '@twinkeep/synthetic/synthesize';
import { createSimulation, type Industry, type SimulationOptions } from '@twinkeep/synthetic/simulate';
import { countOf, needed, numberOf, UsageError, type Flags, type Run } from '../command.ts';
import { writeWhole } from '../files.ts';
import { simulateLines } from '../threads.ts';
import { recordTable } from './records.ts';
import { writeFhir } from './fhir.ts';

/** Customers who never existed. With a table's name as --out only their rows, for those who model customers rather than events. */
export const simulate: Run = async ({ flags }, progress) => {
  const out = needed(flags, 'out');
  const options = readOptions(flags);
  const simulation = createSimulation(options);
  const what = `${options.customers} customers of ${options.industry} over ${options.months} months`;
  const format = formatOf(out);
  if (format !== null) {
    const table = recordTable(simulation, progress);
    await writeWhole(out, tablesToBytes([table], schemaFromTable(table), format));
    return `${what} in ${out}`;
  }
  for (const part of ['events', 'customers', 'truth'] as const) {
    const lines = simulateLines(options, part, countOf(flags, 'threads'));
    await writeWhole(join(out, `${part}.ndjson`), progress.bytes(part, lines));
  }
  const first = simulation.market().next();
  if (first.done !== true) await writeWhole(join(out, 'market.ndjson'), marketLines(simulation.market()));
  if (flags.fhir !== undefined) await writeFhir(simulation, options.startTime, flags.fhir, join(out, 'fhir'));
  // Last: what a registry is told of where the rest comes from.
  await writeWhole(join(out, 'simulation.json'), [`${JSON.stringify(options, null, 2)}\n`]);
  return `${what} in ${out}`;
};

function readOptions(flags: Flags): SimulationOptions {
  const skew = (name: 'label-skew' | 'covariate-skew'): number | null =>
    flags[name] === undefined ? null : numberOf(flags, name);
  const knob = (name: 'size-skew' | 'elasticity-shift' | 'schema-drift' | 'duplicates'): number =>
    flags[name] === undefined ? 0 : numberOf(flags, name);
  const industry = needed(flags, 'industry') as Industry;
  if (flags.fhir !== undefined && industry !== 'health')
    throw new UsageError('--fhir: only of --industry health');
  return {
    industry,
    seed: countOf(flags, 'seed'),
    customers: countOf(flags, 'customers'),
    months: countOf(flags, 'months'),
    startTime: needed(flags, 'start'),
    prices: flags.prices as 'randomised' | 'endogenous',
    federation: {
      sites: countOf(flags, 'sites'),
      sizeSkew: knob('size-skew'),
      labelSkew: skew('label-skew'),
      covariateSkew: skew('covariate-skew'),
      elasticityShift: knob('elasticity-shift'),
      schemaDrift: knob('schema-drift'),
      duplicates: knob('duplicates'),
    },
  };
}

function* marketLines(rows: Iterable<object>): Generator<string, void, void> {
  for (const row of rows) yield `${JSON.stringify(row)}\n`;
}
