import { execFile } from 'node:child_process';
import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { createParties, createRegionFiles, type RegionFiles } from './support/parties.ts';

const bin = (name: string): string =>
  fileURLToPath(new URL(`../../edge-client/region/bin/${name}.js`, import.meta.url));

function run(name: string, ...args: string[]): Promise<{ status: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [bin(name), ...args], (error, out, err) =>
      resolve({ status: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err }),
    );
  });
}

let files: RegionFiles;
beforeAll(async () => {
  files = await createRegionFiles(await createParties());
});

describe('twinkeep-region', () => {
  it('imports, counts and withdraws, and says what it did as JSON', async () => {
    const data = join(files.folder, 'c.csv');
    const mapping = join(files.folder, 'm.json');
    await writeFile(data, 'id,spend,left,ok\na,1,yes,y\nb,2,no,n\n');
    await writeFile(
      mapping,
      JSON.stringify({
        title: 'T',
        source: 's',
        format: {},
        subject: 'id',
        columns: { spend: { category: 'behavioral', type: 'number', bounds: [0, 9] } },
        label: {
          column: 'left',
          category: 'behavioral',
          positive: ['yes'],
          negative: ['no'],
          horizonDays: 1,
        },
        consent: {
          purpose: 'https://w3id.org/dpv#ServiceOptimisation',
          notice: { id: 'n', version: '1', lang: 'en', text: 'May we?' },
          column: 'ok',
          granted: ['y'],
          evidence: 'CRM',
        },
      }),
    );
    const config = ['--config', files.config];
    const imported = await run('twinkeep-region', 'import', ...config, '--data', data, '--mapping', mapping);
    expect([imported.err, imported.status]).toEqual(['', 0]);
    expect(JSON.parse(imported.out)).toMatchObject({ customers: 2, added: 2, consents: 2, events: 2 });
    const withdrawn = await run('twinkeep-region', 'withdraw', ...config, '--customer', 'a');
    expect(JSON.parse(withdrawn.out)).toEqual({ withdrawn: true });
    const status = await run('twinkeep-region', 'status', ...config);
    expect(JSON.parse(status.out)).toEqual({ twins: 2, events: 0, consents: 3, undelivered: 3 });

    const unknown = await run('twinkeep-region', 'withdraw', ...config, '--customer', 'nobody');
    expect(unknown).toMatchObject({ status: 1, out: '', err: expect.stringContaining('twin/unknown') });
    await writeFile(data, 'id,spend,left,ok\nKowalska,x,yes,y\n');
    const wrong = await run('twinkeep-region', 'import', ...config, '--data', data, '--mapping', mapping);
    expect(wrong).toMatchObject({
      status: 1,
      err: expect.stringMatching(/c\.csv, row 2, column spend: .*import\/value/),
    });
    expect(wrong.err).not.toContain('Kowalska');
    expect(wrong.err.trim().split('\n')).toHaveLength(1);
  });

  it('makes keys that are not there, for the owner’s eyes only, and never replaces one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twinkeep-init-'));
    const config = join(folder, 'config.json');
    const settings = JSON.parse(await readFile(files.config, 'utf8')) as Record<string, unknown>;
    await writeFile(config, JSON.stringify(settings));
    const first = await run('twinkeep-region', 'init', '--config', config);
    expect(JSON.parse(first.out)).toEqual({ key: expect.any(String), jkt: expect.any(String) });
    for (const name of ['key.json', 'wrapping.key']) {
      expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    }
    const wrapping = await readFile(join(folder, 'wrapping.key'), 'utf8');
    const again = await run('twinkeep-region', 'init', '--config', config);
    expect(again.out).toBe(first.out);
    expect(await readFile(join(folder, 'wrapping.key'), 'utf8')).toBe(wrapping);
  });

  it.each([
    ['without a command', [], 2, /Usage/],
    ['with a command that there is not', ['fly'], 2, /there is no command fly/],
    ['without a configuration', ['status'], 2, /--config is missing/],
    ['with an option that there is not', ['status', '--colour', 'red'], 2, /colour/],
    [
      'with a configuration that is not there',
      ['status', '--config', '/nowhere.json'],
      1,
      /nowhere\.json: ENOENT/,
    ],
  ])('%s says what is wrong', async (_what, args, status, words) => {
    const { status: found, out, err } = await run('twinkeep-region', ...args);
    expect(found).toBe(status);
    expect(out + err).toMatch(words);
  });

  it('names file and field of a configuration that is wrong, and shows no key', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twinkeep-config-'));
    const config = join(folder, 'config.json');
    const good = JSON.parse(await readFile(files.config, 'utf8')) as Record<string, unknown>;
    const cases: [object | string, RegExp][] = [
      [{ ...good, colour: 1 }, /config\.json: colour is not a known field/],
      [{ ...good, party: undefined }, /config\.json: party is missing/],
      [{ ...good, databaseUrl: 'mysql://x' }, /config\.json: databaseUrl/],
      ['{\n"a": 1,\n"b" 2}', /config\.json, line 3: this is not JSON/],
    ];
    for (const [content, words] of cases) {
      await writeFile(config, typeof content === 'string' ? content : JSON.stringify(content));
      expect((await run('twinkeep-region', 'status', '--config', config)).err).toMatch(words);
    }
    await writeFile(config, JSON.stringify(good));
    const secret = '{"kty":"OKP","d":"verySecretKeyMaterial';
    await writeFile(join(folder, 'key.json'), secret);
    const { status, err } = await run('twinkeep-region', 'status', '--config', config);
    expect(status).toBe(1);
    expect(err).toContain('key.json');
    expect(err).not.toContain('verySecret');
  });

  it('says in one line that its database cannot be reached', async () => {
    const { config } = await createRegionFiles(await createParties(), {
      databaseUrl: 'postgres://a:b@127.0.0.1:9/x',
    });
    const { status, err } = await run('twinkeep-region', 'status', '--config', config);
    expect(status).toBe(1);
    expect(err).toMatch(/^twinkeep-region: .*ECONNREFUSED/);
    expect(err).not.toContain('a:b');
  });
});

describe('twinkeep-helper', () => {
  it('makes its key, and does not start with one that is not pinned', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twinkeep-helper-'));
    const config = join(folder, 'config.json');
    const { databaseUrl } = files;
    await writeFile(
      config,
      JSON.stringify({
        j: 1,
        coordinatorUrl: 'http://127.0.0.1:9',
        databaseUrl,
        trustFile: 'trust.json',
        keyFile: 'key.json',
      }),
    );
    await writeFile(join(folder, 'trust.json'), await readFile(join(files.folder, 'trust.json')));
    const { out } = await run('twinkeep-helper', 'init', '--config', config);
    expect(JSON.parse(out)).toMatchObject({ j: 1, key: expect.any(String) });
    const { status, err } = await run('twinkeep-helper', 'run', '--config', config);
    expect(status).toBe(1);
    expect(err).toMatch(/not the key that the trust file pins for helper 1/);
  });
});
