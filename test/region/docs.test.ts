/** What the documentation shows, done as it says. */
import { CATEGORIES } from '@twinkeep/consent';
import { networkOf } from '@twinkeep/protocol';
import {
  customerBinding,
  importCsvFile,
  importEventFile,
  openRegion,
  parseMapping,
  readHelperConfig,
  readRegionConfig,
  taskFromMapping,
  type Region,
} from '@twinkeep/region';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { createParties, createRegionFiles, type RegionFiles } from './support/parties.ts';

const page = (name: string): Promise<string> =>
  readFile(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8');

async function blocks(name: string, language: string): Promise<string[]> {
  const found = (await page(name)).matchAll(new RegExp(`^ *\`\`\`${language}\n([^]*?)^ *\`\`\`$`, 'gm'));
  return [...found].map(([, text]) => (text ?? '').replaceAll(/^ {3}/gm, ''));
}

describe('docs/import.md', () => {
  let files: RegionFiles;
  let region: Region;
  beforeEach(async () => {
    files = await createRegionFiles(await createParties());
    region = await openRegion(files.config);
    return () => region.store.close();
  });
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(files.folder, name);
    await writeFile(path, text);
    return path;
  };

  it('shows an example that imports as it says', async () => {
    const [csv] = (await blocks('import', 'csv')) as [string];
    const [mapping] = (await blocks('import', 'json')) as [string];
    const summary = await importCsvFile(region, await write('c.csv', csv), await write('m.json', mapping));
    // Three customers with three groups of facts and a label; the third of the file said no.
    // The notice of the bought-in facts and the grants are an event each.
    expect(summary).toMatchObject({ customers: 4, consents: 7, events: 12 });
    const task = taskFromMapping(parseMapping(JSON.parse(mapping)));
    expect(networkOf(task).inputs).toBe(3 + 2 + 1 + 3);
    const refused = await region.store.readTwins([region.store.subjectOf('10-3')]);
    expect(refused[0]?.consents).toHaveLength(1);
  });

  it('quotes the error that a word outside the vocabulary gives', async () => {
    const [csv] = (await blocks('import', 'csv')) as [string];
    const [mapping] = (await blocks('import', 'json')) as [string];
    const wrong = await write('customers.csv', csv.replace('plus', 'gold'));
    const error = await importCsvFile(region, wrong, await write('m.json', mapping)).catch((e: unknown) => e);
    expect(await page('import')).toContain((error as Error).message);
  });

  it('shows events and terms that import', async () => {
    const [, events, terms] = (await blocks('import', 'json')) as [string, string, string];
    const now = Date.parse('2026-02-01T00:00:00Z');
    const later = await openRegion(files.config, () => now);
    const summary = await importEventFile(
      later,
      await write('e.ndjson', events),
      await write('t.json', terms),
      () => now,
    );
    expect(summary).toMatchObject({ customers: 2, added: 2, consents: 2, events: 1 });
    expect(await later.store.findTwin(customerBinding('10-1'))).not.toBeNull();
    await later.store.close();
  });

  it('names every category, field and error code', async () => {
    const text = await page('import');
    for (const category of CATEGORIES) expect(text).toContain(`\`${category}\``);
    const errors = await readFile(new URL('../../edge-client/region/errors.ts', import.meta.url), 'utf8');
    for (const [, code] of errors.matchAll(/'((?:import|mapping)\/[a-z-]+)'/g)) expect(text).toContain(code);
  });
});

describe('the pages for operators', () => {
  it('show configurations that are taken', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twinkeep-docs-'));
    const [node] = (await blocks('run-a-region-node', 'json')) as [string];
    const [helper] = (await blocks('run-a-helper', 'json')) as [string];
    await writeFile(join(folder, 'node.json'), node);
    await writeFile(join(folder, 'helper.json'), helper);
    expect(await readRegionConfig(join(folder, 'node.json'))).toMatchObject({
      keyFile: join(folder, 'key.json'),
      tasks: ['churn-2026'],
      minTwins: 20,
      minReports: 2,
    });
    expect(await readHelperConfig(join(folder, 'helper.json'))).toMatchObject({ j: 2, minReports: 2 });
  });
});
