/** The rows of a CSV file as customers. Everything about its columns stands in the mapping; everything wrong with it stops here. */
import { TwinkeepError } from '@twinkeep/audit';
import type { CustomerEvent } from '@twinkeep/protocol';
import {
  DEFAULT_ROUNDS,
  neededColumns,
  parseMapping,
  readCsv,
  rowToEvents,
  taskFromMapping,
  type Mapping,
  type Row,
} from '@twinkeep/region';
import { access, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DemoError } from '../errors.ts';
import { count } from '../progress.ts';
import { demoSettings, privacyAsked, type Customers } from './customers.ts';

const DAY_MS = 86_400_000;

/**
 * @param now milliseconds since 1970
 * @throws DemoError 'demo/input' for files that are not there; RegionError with file, row and column for what is wrong in them
 */
export async function fileCustomers(
  files: { data: string; mapping: string },
  now: number,
): Promise<Customers> {
  await Promise.all([requireFile('--data', files.data), requireFile('--mapping', files.mapping)]);
  const mapping = await readMapping(files.mapping);
  const referenceTime = mapping.referenceTime ?? daysBefore(now, mapping.label.horizonDays);
  const rows: Row[] = [];
  const customers: { name: string | null; events: CustomerEvent[] }[] = [];
  for await (const { row, cells } of readCsv(files.data, mapping.format, neededColumns(mapping))) {
    const where = `${basename(files.data)}, row ${row}`;
    const { customer, events } = inPlace(where, () => rowToEvents(mapping, cells, referenceTime));
    rows.push(cells);
    customers.push({ name: customer, events });
  }
  return {
    title: `${count(rows.length)} customers of ${basename(files.data)}`,
    size: rows.length,
    task: (settings) => {
      const { floors, windows } = demoSettings(settings);
      const rounds = settings.rounds ?? mapping.task?.rounds ?? DEFAULT_ROUNDS;
      const privacy = privacyAsked(settings.privacy, rounds);
      const task = taskFromMapping(mapping, {
        taskId: settings.taskId,
        model: { seed: settings.seed },
        floors,
        windows,
        ...(privacy === null ? {} : { privacy }),
        ...(settings.rounds === null ? {} : { rounds: settings.rounds }),
      });
      return task;
    },
    async writeFor(folder, members) {
      const file = join(folder, 'customers.csv');
      const own = { ...mapping, referenceTime };
      await writeFile(
        file,
        toCsv(
          mapping,
          members.map((index) => rows[index] ?? {}),
        ),
        { mode: 0o600 },
      );
      await writeFile(join(folder, 'mapping.json'), JSON.stringify(own), { mode: 0o600 });
      return {
        importArgs: ['--data', file, '--mapping', join(folder, 'mapping.json')],
        // Without a column of customer numbers, the number of the row in the node's own file stands for the customer.
        names: members.map((index, i) => customers[index]?.name ?? String(i + 1)),
      };
    },
    events: (index) => customers[index]?.events ?? [],
  };
}

async function requireFile(option: string, file: string): Promise<void> {
  try {
    await access(file);
  } catch {
    throw new DemoError('demo/input', `${option}: there is no file ${file} that can be read.`);
  }
}

async function readMapping(file: string): Promise<Mapping> {
  const json = await readJson(file);
  return inPlace(basename(file), () => parseMapping(json));
}

async function readJson(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new DemoError('demo/input', `--mapping: ${file} is not JSON: ${(error as Error).message}`);
  }
}

/** Adds the place to what a mapping or a row finds wrong. */
function inPlace<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof TwinkeepError) throw new DemoError('demo/input', `${place}: ${error.message}`);
    throw error;
  }
}

/** In the format that the mapping declares; only the columns that it names. */
function toCsv(mapping: Mapping, rows: readonly Row[]): string {
  const { delimiter = ',', quote = '"' } = mapping.format;
  const columns = neededColumns(mapping);
  const special = [delimiter, quote, '\n', '\r'];
  const write = (cell: string): string =>
    special.some((each) => cell.includes(each))
      ? quote + cell.replaceAll(quote, quote + quote) + quote
      : cell;
  const line = (cells: readonly string[]): string => `${cells.map(write).join(delimiter)}\n`;
  return [columns, ...rows.map((row) => columns.map((column) => row[column] ?? ''))].map(line).join('');
}

function daysBefore(now: number, days: number): string {
  const midnight = (Math.floor(now / DAY_MS) - days) * DAY_MS;
  return `${new Date(midnight).toISOString().slice(0, 19)}Z`;
}
