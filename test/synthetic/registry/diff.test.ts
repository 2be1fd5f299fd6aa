import {
  diffToText,
  diffVersions,
  parseFigures,
  parseVersion,
  versionToDcat,
  versionToText,
  type DataSetVersion,
  type Figures,
} from '@twinkeep/synthetic/registry';
import {
  cellsToColumn,
  createTable,
  type Cell,
  type Table,
  type TableSchema,
} from '@twinkeep/synthetic/synthesize';
import { describe, expect, it } from 'vitest';

const hash = `sha-256:${'A'.repeat(43)}`;
const schema: TableSchema = {
  columns: [
    { kind: 'number', name: 'age', min: 0, max: 100 },
    { kind: 'category', name: 'plan', words: ['basic', 'plus'] },
    { kind: 'date', name: 'since', min: 18_000, max: 19_000 },
  ],
};
const figures: Figures = {
  quality: 0.96,
  shuffledQuality: 0.93,
  tstr: 0.81,
  trtr: 0.83,
  closerToTrain: [0.5, 0.48, 0.52],
  membership: [0.5, 0.47, 0.53],
};
const version: DataSetVersion = {
  format: 1,
  name: 'people',
  version: 1,
  created: '2026-01-31T12:00:00.000Z',
  title: 'People',
  licence: 'CC0-1.0',
  rows: 4,
  schema,
  files: {
    data: { hash, bytes: 12, mediaType: 'text/csv' },
    model: { hash, bytes: 3, mediaType: 'application/json' },
  },
  provenance: {
    kind: 'sampled',
    method: 'mst',
    target: 'plan',
    privacy: { epsilon: 1, delta: 1e-6, rho: 0.02, unit: 'row added or removed' },
    source: 'contracts of 2025',
  },
  figures,
  previous: null,
};

function table(age: Cell[], plan: Cell[], since: Cell[]): Table {
  return createTable([
    cellsToColumn('age', 'number', age),
    cellsToColumn('plan', 'category', plan),
    cellsToColumn('since', 'date', since),
  ]);
}

const before = {
  version,
  table: table([10, 20, 30, 40], ['basic', 'basic', 'plus', 'plus'], [18_100, 18_100, 18_100, 18_100]),
};

describe('a difference', () => {
  it("by hand: Cohen's d, Cramer's V, distances, missing values", () => {
    const after = {
      version: { ...version, version: 2, rows: 5 },
      table: table(
        [20, 30, 40, 50, null],
        ['basic', 'plus', 'plus', 'plus', 'plus'],
        [18_100, 18_100, 18_100, 18_100, 18_100],
      ),
    };
    const { shifts, rows } = diffVersions(before, after);
    expect(rows).toEqual({ before: 4, after: 5 });
    const [age, plan, since] = shifts;
    // Means 25 and 35, both of variance 500/3.
    expect(age!.effect).toBeCloseTo(10 / Math.sqrt(500 / 3), 12);
    expect([age!.size, age!.measure, age!.distance]).toEqual(['medium', "Cohen's d", 0.25]);
    expect([age!.missing, age!.mean]).toEqual([
      { before: 0, after: 0.2 },
      { before: 25, after: 35 },
    ]);
    // Counts 2, 2 and 1, 4: chi-square = 9 (2 * 4 - 2 * 1)^2 / (3 * 6 * 4 * 5).
    expect(plan!.effect).toBeCloseTo(Math.sqrt(36 / 360), 12);
    expect([plan!.size, plan!.measure]).toEqual(['medium', "Cramer's V"]);
    expect(plan!.distance).toBeCloseTo(0.3, 12);
    expect(plan!.word!.after - plan!.word!.before).toBeCloseTo(plan!.word!.word === 'plus' ? 0.3 : -0.3, 12);
    // A constant column has no spread.
    expect([since!.effect, since!.size, since!.distance]).toEqual([Number.NaN, 'negligible', 0]);
  });

  it('of a version with itself is nothing', () => {
    const found = diffVersions(before, before);
    expect(found.shifts.map(({ size, distance }) => [size, distance])).toEqual(
      schema.columns.map(() => ['negligible', 0]),
    );
    expect([found.schema, found.added, found.removed]).toEqual([[], [], []]);
    expect(diffToText(found)).toContain('3 of 3 common columns: negligible shifts');
  });

  it('says what changed in the schema, in words', () => {
    const changed: TableSchema = {
      columns: [
        { kind: 'number', name: 'age', min: 18, max: 100, step: 1, missing: true },
        { kind: 'category', name: 'plan', words: ['plus', 'gold'] },
        { kind: 'category', name: 'left', words: ['no'] },
      ],
    };
    const after = {
      version: { ...version, version: 2, schema: changed, figures: null },
      table: createTable([
        cellsToColumn('age', 'number', [20]),
        cellsToColumn('plan', 'category', ['gold']),
        cellsToColumn('left', 'category', ['no']),
      ]),
    };
    const found = diffVersions(before, after);
    expect([found.added, found.removed]).toEqual([['left'], ['since']]);
    expect(found.schema).toEqual([
      'age: min 0 is now 18',
      'age: step none is now 1',
      'age: values may now be missing',
      'plan: words added: "gold"',
      'plan: words removed: "basic"',
    ]);
    const text = diffToText(found);
    expect(text).toContain('people@1 -> people@2');
    expect(text).toContain('column added: left');
    expect(text).toMatch(
      /plan: large shift \(Cramer's V 1\.000, distance 1\.000\): "gold" 0\.0 % -> 100\.0 %/,
    );
    expect(text).toContain('tstr: 0.810 -> none');
  });
});

describe('a version', () => {
  it('is read again as it was written, and nothing else is one', () => {
    expect(parseVersion(JSON.parse(JSON.stringify(version)), 'f')).toEqual(version);
    for (const wrong of [
      null,
      {},
      { ...version, more: 1 },
      { ...version, name: '../x' },
      { ...version, version: 0 },
      { ...version, files: {} },
    ])
      expect(() => parseVersion(wrong, '1.json')).toThrow(/^1\.json: /);
    expect(() => parseFigures({ score: 1 }, 'figures.json')).toThrow(/figures\.json: holds no figures/);
  });

  it('tells people what it is', () => {
    const text = versionToText(version);
    for (const part of [
      'people@1: People',
      '4 rows, 3 columns',
      'epsilon 1, delta 0.000001',
      'contracts of 2025',
      '0.810, on real 0.830',
    ])
      expect(text).toContain(part);
    expect(
      versionToText({ ...version, provenance: { kind: 'simulated', options: { seed: 7 } }, figures: null }),
    ).toMatch(/simulated: {"seed":7}[^]*not evaluated/);
  });

  it('describes itself in DCAT 3, with where it comes from in PROV', () => {
    const second = { ...version, version: 2, previous: hash };
    const dcat = versionToDcat(second, () => 'ab'.repeat(32));
    expect(dcat).toMatchObject({
      '@type': 'dcat:Dataset',
      'dct:license': { '@id': 'http://spdx.org/licenses/CC0-1.0' },
      'dcat:version': '2',
      'dcat:previousVersion': { '@id': 'urn:twinkeep:dataset:people:1' },
      'dcat:distribution': [
        {
          'dcat:byteSize': { '@value': '12' },
          'spdx:checksum': { 'spdx:checksumValue': { '@value': 'ab'.repeat(32) } },
        },
      ],
      'prov:wasDerivedFrom': { 'dct:title': 'contracts of 2025' },
      'prov:wasGeneratedBy': {
        '@type': 'prov:Activity',
        'twinkeep:differentialPrivacy': { '@value': { epsilon: 1 } },
      },
    });
    // Every prefix is declared.
    const declared = Object.keys(dcat['@context'] as object);
    const { '@context': _, ...body } = dcat;
    const used = [...JSON.stringify(body).matchAll(/"([a-z]+):[A-Za-z]+":/g)].map(([, prefix]) => prefix!);
    expect(used.length).toBeGreaterThan(10);
    expect(used.filter((prefix) => !declared.includes(prefix))).toEqual([]);
    expect(versionToDcat({ ...version, licence: 'by word of mouth' }, () => '')).toMatchObject({
      'dct:license': { '@type': 'dct:LicenseDocument', 'dct:title': 'by word of mouth' },
    });
  });
});
