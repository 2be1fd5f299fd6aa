/**
 * Doors are types: each stage takes only what the stage before it makes, so leaving one out does not compile. The compiler is run on
 * the whole chain, which it must accept, and on every way to skip a door, each of which it must refuse for that reason alone.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PREAMBLE = `
import type { Category, ConsentState } from '@twinkeep/consent';
import {
  admit, applyEvent, askContribution, assembleSet, createReport, extractVector, parseEvent, submitReport, isAdmitted,
  type AdmitPolicy, type AdmittedEvent, type CheckedRound, type ConsentReadings, type Contribution, type FeatureState,
  type FeatureVector, type RawEvent, type ReportDeps, type TrainingSet, type Transport, type TwinStore,
} from '@twinkeep/edge-client/fleet';
import {
  addEvaluation, admitClippedSum, maskReport, quantize,
  type ClippedDelta, type EvaluationBlock, type Grid, type MaskedReport, type QuantizedDelta, type RoundConfig,
  type SigningKey, type TaskSpec, type CustomerEvent,
} from '@twinkeep/protocol';
import type { TrainingRows, ClippedSum } from '@twinkeep/edge-client/train';

declare const input: unknown;
declare const event: CustomerEvent;
declare const raw: RawEvent;
declare const admitted: AdmittedEvent;
declare const consent: ConsentState;
declare const readings: ConsentReadings;
declare const policy: AdmitPolicy;
declare const state: FeatureState;
declare const task: TaskSpec;
declare const leave: Contribution;
declare const vector: FeatureVector;
declare const rows: TrainingRows;
declare const set: TrainingSet;
declare const round: CheckedRound;
declare const config: RoundConfig;
declare const deps: ReportDeps;
declare const sum: ClippedSum;
declare const clipped: ClippedDelta;
declare const evaluation: EvaluationBlock;
declare const quantized: QuantizedDelta;
declare const report: MaskedReport;
declare const grid: Grid;
declare const key: SigningKey;
declare const store: TwinStore;
declare const transport: Transport;
declare const weights: Float32Array;
declare const bytes: Uint8Array;
declare const now: number;
const fold = (): Uint8Array => bytes;
const device = { key, credential: 'jwt' };
const to = { rcHash: '', kid: '' };
`;

const WHOLE_CHAIN = `
export async function chain(): Promise<void> {
  const outcome = admit(parseEvent(input), 's', consent, policy, now);
  if (!isAdmitted(outcome)) return;
  await store.recordEvents('s', [outcome], fold);
  applyEvent(state, outcome);
  const terms = { cohort: 2, now, until: now };
  const given = askContribution(task, 's', readings, terms);
  if ('denied' in given) return;
  const made = extractVector(state, task, given);
  if (made === null) return;
  const trainers = assembleSet(task, [{ leave: given, vector: made }]);
  const { sum, count } = await deps.engine.clippedSum(weights, trainers, 1);
  const delta = admitClippedSum(sum, count, 1, count);
  const steps = quantize(delta, evaluation, grid, deps.random);
  const masked = await maskReport(steps, ['s'], { config, rcHash: bytes }, device, deps);
  await submitReport(transport, masked, to);
  await submitReport(transport, await createReport(round, { trainers, heldOut: set }, weights, deps), to);
}
`;

/** What is left out, the statement that tries to, and the type that the compiler must ask for. */
const SKIPPED: [name: string, statement: string, asksFor: string][] = [
  ['parsing', `admit(event, 's', consent, policy, now)`, 'RawEvent'],
  ['the collecting gate, into the store', `store.recordEvents('s', [raw], fold)`, 'AdmittedEvent'],
  [
    'the collecting gate, with an object that looks like it',
    `store.recordEvents('s', [{ subject: 's', event, lastDay: 1 }], fold)`,
    'AdmittedEvent',
  ],
  ['the collecting gate, into the features', `applyEvent(state, raw)`, 'AdmittedEvent'],
  [
    'asking whether the gate refused',
    `applyEvent(state, admit(raw, 's', consent, policy, now))`,
    'AdmittedEvent',
  ],
  [
    'leave to contribute',
    `extractVector(state, task, { subject: 's', taskId: 't', categories: new Set<Category>(), until: 1 })`,
    'Contribution',
  ],
  [
    'asking whether leave was denied',
    `extractVector(state, task, askContribution(task, 's', readings, { cohort: 1, now, until: now }))`,
    'Contribution',
  ],
  [
    'feature extraction',
    `assembleSet(task, [{ leave, vector: { subject: 's', taskId: 't', categories: new Set<Category>(), inputs: weights, label: 1 } }])`,
    'FeatureVector',
  ],
  [
    'the gate before training',
    `createReport(round, { trainers: rows, heldOut: set }, weights, deps)`,
    'TrainingSet',
  ],
  [
    'the gate before evaluating',
    `createReport(round, { trainers: set, heldOut: rows }, weights, deps)`,
    'TrainingSet',
  ],
  [
    'the round check',
    `createReport({ task, config, rcHash: bytes, note: '', released: [] }, { trainers: set, heldOut: set }, weights, deps)`,
    'CheckedRound',
  ],
  ['clipping, with a plain sum', `quantize(sum.sum, evaluation, grid, deps.random)`, 'ClippedDelta'],
  [
    'clipping, with an object that looks like it',
    `quantize({ values: sum.sum, twins: 1, bound: 1 }, evaluation, grid, deps.random)`,
    'ClippedDelta',
  ],
  ['quantising', `maskReport(clipped, ['s'], { config, rcHash: bytes }, device, deps)`, 'QuantizedDelta'],
  [
    'quantising, with integers that look like it',
    `maskReport({ values: new Int32Array(), twins: 1 }, ['s'], { config, rcHash: bytes }, device, deps)`,
    'QuantizedDelta',
  ],
  ['masking, with quantised integers', `submitReport(transport, quantized, to)`, 'MaskedReport'],
  ['masking, with bytes', `submitReport(transport, bytes, to)`, 'MaskedReport'],
  [
    'masking, with an object that looks like it',
    `submitReport(transport, { bytes, headerHash: bytes }, to)`,
    'MaskedReport',
  ],
];

let folder = '';
let diagnostics = new Map<string, string[]>();

beforeAll(async () => {
  const test = dirname(dirname(fileURLToPath(import.meta.url)));
  await mkdir(join(test, 'dist'), { recursive: true });
  folder = await mkdtemp(join(test, 'dist', 'doors-'));
  await writeFile(join(folder, 'whole.ts'), PREAMBLE + WHOLE_CHAIN);
  for (const [i, [, statement]] of SKIPPED.entries())
    await writeFile(join(folder, `skip-${i}.ts`), `${PREAMBLE}\nexport const skipped = ${statement};\n`);
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  diagnostics = await compile(folder);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the doors', () => {
  it('let the whole chain through, seen by the compiler', () => {
    expect(diagnostics.get('')?.some((line) => line.endsWith('/whole.ts'))).toBe(true);
    expect(diagnostics.get('whole.ts') ?? []).toEqual([]);
  });

  it.each(SKIPPED.map(([name, , asksFor], i) => [name, asksFor, i] as const))(
    'do not let anyone skip %s',
    (_, asksFor, i) => {
      const found = diagnostics.get(`skip-${i}.ts`) ?? [];
      expect(found.join('\n')).toMatch(/error TS(2345|2322|2769|2352|2741|2740|2739):/);
      expect(found.join('\n')).toContain(asksFor);
      expect(found.filter((line) => /error TS/.test(line))).toHaveLength(1);
    },
  );
});

const TSCONFIG = {
  extends: '../../../tsconfig.base.json',
  compilerOptions: {
    noEmit: true,
    composite: false,
    incremental: false,
    declarationMap: false,
    listFiles: true,
    isolatedDeclarations: false,
    noUnusedLocals: false,
    lib: ['es2023', 'webworker'],
  },
  include: ['*.ts'],
};

/** Lines that the compiler wrote about each file: its errors and their elaborations. */
async function compile(project: string): Promise<Map<string, string[]>> {
  const tsc = join(project, '../../../node_modules/typescript/bin/tsc');
  const { stdout } = await promisify(execFile)(process.execPath, [
    tsc,
    '-p',
    project,
    '--pretty',
    'false',
  ]).catch((failed: { stdout: string }) => failed);
  const lines = new Map<string, string[]>();
  let file = '';
  for (const line of stdout.split('\n')) {
    if (!line.startsWith(' ')) file = /([\w-]+\.ts)\(\d+,\d+\): error/.exec(line)?.[1] ?? '';
    if (line !== '') lines.set(file, [...(lines.get(file) ?? []), line]);
  }
  return lines;
}
