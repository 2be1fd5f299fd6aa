/** `add`, `list`, `show`, `diff` and `export`: data sets with versions. */
import { createReadStream } from 'node:fs';
import { recordsToTables, SyntheticError, tablesToBytes } from '@twinkeep/synthetic/formats';
import {
  diffToText,
  diffVersions,
  parseFigures,
  versionToDcat,
  versionToText,
  type DataSetVersion,
  type Provenance,
  type VersionRows,
} from '@twinkeep/synthetic/registry';
import type { TableModel, TableSchema } from '@twinkeep/synthetic/synthesize';
import { countOf, needed, UsageError, type Flags, type Run } from '../command.ts';
import { readJson, writeWhole } from '../files.ts';
import { openAll, openInput, type InputFile } from '../pieces.ts';
import type { Progress } from '../progress.ts';
import { createRegistry, hashToHex, type Registry } from '../registry/store.ts';
import { sampleTables } from '../reservoir.ts';
import { argument, deriveSchema, outputFormat, readModel, readSchema } from './read.ts';

const ROWS_AT_A_TIME = 20_000;
/** Rows of each version that a difference is judged by. */
const MOST_ROWS = 100_000;
const MEDIA_TYPES = {
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
  parquet: 'application/vnd.apache.parquet',
} as const;

/** Every row is read against the schema before anything is kept. */
export const add: Run = async ({ values, flags }, progress) => {
  const [file] = argument(values, 1, 'add takes a FILE');
  const name = needed(flags, 'name');
  const input = await openInput(file as string);
  const model = flags.model === undefined ? null : await readModel(flags.model);
  const given = (await readSchema(flags.schema)) ?? model?.schema;
  const { schema, rows } = await checked(input, given, flags, progress);
  const provenance = await provenanceOf(flags, model);
  const figures =
    typeof flags.figures === 'string' ? parseFigures(await readJson(flags.figures), flags.figures) : null;
  const registry = open(flags);
  const files: DataSetVersion['files'] = {
    data: await registry.store(input.file, MEDIA_TYPES[input.format]),
  };
  for (const role of ['schema', 'model', 'figures', 'simulation'] as const)
    if (flags[role] !== undefined) files[role] = await registry.store(flags[role], 'application/json');
  if (flags.report !== undefined) files.report = await registry.store(flags.report, 'text/html');
  const { title = null, licence = null } = flags;
  const added = await registry.add({ name, title, licence, rows, schema, files, provenance, figures });
  return `${added.name}@${added.version}, ${rows} rows`;
};

async function checked(
  input: InputFile,
  given: TableSchema | undefined,
  flags: Flags,
  progress: Progress,
): Promise<{ schema: TableSchema; rows: number }> {
  if (given === undefined) return deriveSchema(input, flags, progress);
  const { file } = input;
  const options = { file, schema: given, missing: flags.missing ?? [], progress: progress.rows(file) };
  let rows = 0;
  for await (const table of recordsToTables(await openAll(input), options, ROWS_AT_A_TIME))
    rows += table.rows;
  return { schema: given, rows };
}

async function provenanceOf(flags: Flags, model: TableModel | null): Promise<Provenance> {
  const source = flags.source ?? null;
  if (flags.simulation !== undefined) {
    if (model !== null) throw new UsageError('--model and --simulation: a data set comes from one of them');
    const options = await readJson(flags.simulation);
    if (typeof options !== 'object' || options === null || Array.isArray(options))
      throw new SyntheticError('synthetic/registry', 'holds no options of a simulation', {
        file: flags.simulation,
      });
    return { kind: 'simulated', options: options as Record<string, unknown> };
  }
  if (model === null) return { kind: 'stated', source };
  const { kind: method, privacy } = model;
  const target = model.kind === 'mst' ? model.target : null;
  const ledger =
    privacy === null
      ? null
      : { epsilon: privacy.epsilon, delta: privacy.delta, rho: privacy.rho, unit: privacy.unit };
  return { kind: 'sampled', method, target, privacy: ledger, source };
}

export const list: Run = async ({ flags }) => {
  const versions = await open(flags).list();
  if (flags.json === true) return JSON.stringify(versions, null, 2);
  if (versions.length === 0) return `nothing in ${needed(flags, 'registry')}`;
  return versions
    .map(({ name, version, created, rows, title, provenance }) =>
      [`${name}@${version}`, created.slice(0, 16), `${rows} rows`, provenance.kind, title ?? '']
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

export const show: Run = async ({ values, flags }) => {
  const [reference] = argument(values, 1, 'show takes NAME or NAME@N');
  const version = await open(flags).read(reference as string);
  if (flags.dcat === true) return JSON.stringify(versionToDcat(version, hashToHex), null, 2);
  return flags.json === true ? JSON.stringify(version, null, 2) : versionToText(version);
};

export const diff: Run = async ({ values, flags }, progress) => {
  const [before, after] = argument(values, 2, 'diff takes two of NAME@N');
  const registry = open(flags);
  const found = diffVersions(
    await readRows(registry, before as string, flags, progress),
    await readRows(registry, after as string, flags, progress),
  );
  if (flags.json === true) return JSON.stringify(found, null, 2);
  const { schema } = await registry.read(after as string);
  return diffToText(
    found,
    new Set(schema.columns.flatMap(({ kind, name }) => (kind === 'date' ? [name] : []))),
  );
};

async function readRows(
  registry: Registry,
  reference: string,
  flags: Flags,
  progress: Progress,
): Promise<VersionRows> {
  const version = await registry.read(reference);
  const { schema, files } = version;
  const input = await storedInput(registry, version);
  const options = {
    file: reference,
    schema,
    missing: flags.missing ?? [],
    progress: progress.rows(reference),
  };
  const tables = recordsToTables(await openAll(input), options, ROWS_AT_A_TIME);
  const { table } = await sampleTables(tables, MOST_ROWS, countOf(flags, 'seed'));
  if (table === null)
    throw new SyntheticError('synthetic/registry', `${reference} has no rows: ${files.data.hash}`);
  return { version, table };
}

/** An object's name does not tell its format; its version does. */
async function storedInput(registry: Registry, { files }: DataSetVersion): Promise<InputFile> {
  const format = (['csv', 'ndjson', 'parquet'] as const).find(
    (one) => MEDIA_TYPES[one] === files.data.mediaType,
  );
  if (format === undefined)
    throw new SyntheticError('synthetic/registry', `${files.data.mediaType} is no format of rows`);
  return openInput(await registry.path(files.data), format);
}

export const exportRows: Run = async ({ values, flags }, progress) => {
  const [reference] = argument(values, 1, 'export takes NAME or NAME@N');
  const out = needed(flags, 'out');
  const format = outputFormat(out);
  const registry = open(flags);
  const version = await registry.read(reference as string);
  const input = await storedInput(registry, version);
  if (input.format === format) await writeWhole(out, createReadStream(input.file));
  else {
    const options = { file: reference as string, schema: version.schema, progress: progress.rows(out) };
    const tables = recordsToTables(await openAll(input), options, ROWS_AT_A_TIME);
    await writeWhole(out, tablesToBytes(tables, version.schema, format));
  }
  return `${version.name}@${version.version} in ${out}`;
};

function open(flags: Flags): Registry {
  return createRegistry(needed(flags, 'registry'), () => new Date());
}
