import { decodeFeatures, featureRow, labelOf, planOf, readConsentChain } from '@twinkeep/edge-client/fleet';
import { decide } from '@twinkeep/consent';
import {
  customerBinding,
  importCsvFile,
  openRegion,
  refoldStaleTwins,
  taskFromMapping,
  type Mapping,
  type Region,
} from '@twinkeep/region';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createParties, createRegionFiles, type Parties, type RegionFiles } from './support/parties.ts';

const HEADER = 'id,plan,spend,note,left,ok';
const ROWS = ['c1,basic,10.5,hello,yes,y', 'c2,plus,,"a, b",no,y', 'c3,basic,99,NA,no,n', 'c4,,0,,yes,y'];

const MAPPING: Mapping = {
  title: 'Who leaves?',
  source: 'crm',
  format: { delimiter: ',' },
  subject: 'id',
  columns: {
    plan: { category: 'transactional', type: 'category', vocabulary: ['basic', 'plus'] },
    spend: { category: 'transactional', type: 'number', bounds: [0, 100], missingIndicator: true },
    note: { category: 'feedback', type: 'category', vocabulary: ['hello'], other: true },
  },
  label: {
    column: 'left',
    category: 'transactional',
    positive: ['yes'],
    negative: ['no'],
    horizonDays: 30,
  },
  consent: {
    purpose: 'https://w3id.org/dpv#ServiceOptimisation',
    notice: { id: 'n', version: '1', lang: 'en', text: 'May we?' },
    column: 'ok',
    granted: ['y'],
    evidence: 'CRM field "ok"',
  },
};
const NOW = Date.parse('2026-06-01T12:00:00Z');

let parties: Parties;
beforeAll(async () => {
  parties = await createParties();
});

describe('a CSV file with a mapping', () => {
  let files: RegionFiles;
  let region: Region;
  beforeEach(async () => {
    files = await createRegionFiles(parties);
    region = await openRegion(files.config);
    return () => region.store.close();
  });

  it('becomes twins with consents, events and a label', async () => {
    const summary = await importRows();
    expect(summary).toMatchObject({ customers: 4, added: 4, consents: 4, refused: { 'not-consented': 2 } });
    expect(await region.store.counts()).toMatchObject({ twins: 4, consents: 4, undelivered: 4 });

    const task = taskFromMapping(MAPPING);
    const plan = planOf([task]);
    const policy = region.policyFor([task]);
    await refoldStaleTwins({ store: region.store, plan, policy, clock: () => NOW });
    const rowOf = async (customer: string): Promise<{ row: number[]; label: number }> => {
      const subject = (await region.store.findTwin(customerBinding(customer))) as string;
      const [twin] = await region.store.readTwins([subject]);
      const state = decodeFeatures(twin!.features!, plan);
      const { label, asOf } = labelOf(state, task);
      const row = featureRow(state, task, asOf ?? NOW, new Set(['transactional', 'feedback']));
      return { row: [...row], label };
    };
    // Vocabulary of plan, spend scaled to [-1, 1] and whether it is known, vocabulary of note and "other".
    expect(await rowOf('c1')).toEqual({ row: [1, 0, expect.closeTo(-0.79, 5), 1, 1, 0], label: 1 });
    expect(await rowOf('c2')).toEqual({ row: [0, 1, 0, 0, 0, 1], label: 0 });
    expect(await rowOf('c4')).toEqual({ row: [0, 0, -1, 1, 0, 0], label: 1 });
    expect((await rowOf('c3')).label).toBeNaN();
  });

  it('signs as a collector, with the file and the column as evidence', async () => {
    await importRows();
    const [entry] = await chainOf('c1');
    const payload = JSON.parse(Buffer.from(entry!.jws.split('.')[1]!, 'base64url').toString());
    expect(payload).toMatchObject({
      seq: 1,
      prev: null,
      controller: 'https://bank.test/',
      event: { type: 'grant', by: 'collector', method: 'import' },
      collectedBy: { party: 'https://branch.test/' },
      evidence: [
        { kind: 'statement', value: 'CRM field "ok"' },
        { kind: 'file', value: expect.stringMatching(/^sha-256:/) },
        { kind: 'column', value: 'ok' },
      ],
    });
    expect(payload.grants.map((grant: { category: string }) => grant.category)).toEqual([
      'transactional',
      'feedback',
    ]);
    expect(JSON.stringify(payload)).not.toContain('c1');
  });

  it('imported twice changes nothing', async () => {
    await importRows();
    const before = await region.store.counts();
    const again = await importRows();
    expect(again).toMatchObject({ customers: 4, added: 0, consents: 0, events: 0 });
    expect(await region.store.counts()).toEqual(before);
  });

  it('imported with changes adds the new facts, and a no where there was a yes', async () => {
    await importRows();
    const changed = await importRows([HEADER, 'c1,plus,10.5,hello,yes,y', 'c2,plus,,"a, b",no,n']);
    expect(changed).toMatchObject({ customers: 2, added: 0, consents: 1, events: 1 });
    expect(await mayContribute('c1')).toBe(true);
    expect(await mayContribute('c2')).toBe(false);
  });

  it('never lifts a refusal', async () => {
    await importRows();
    await importRows([HEADER, ...ROWS.map((row) => row.replace(/n$/, 'y'))]);
    expect(await mayContribute('c3')).toBe(false);
  });

  it('keeps subjects stable at one node and unrelated at another', async () => {
    const other = await openRegion((await createRegionFiles(parties)).config);
    expect(region.store.subjectOf('c1')).toBe(region.store.subjectOf('c1'));
    expect(other.store.subjectOf('c1')).not.toBe(region.store.subjectOf('c1'));
    await other.store.close();
  });

  it('refuses a database of another wrapping key', async () => {
    await importRows();
    const settings = JSON.parse(await (await import('node:fs/promises')).readFile(files.config, 'utf8'));
    const stolen = await createRegionFiles(parties, { databaseUrl: settings.databaseUrl });
    await expect(openRegion(stolen.config)).rejects.toMatchObject({ code: 'store/foreign' });
  });

  describe('that is wrong is refused with file, row and column, and leaves nothing behind', () => {
    const text = (...lines: string[]): string => `${lines.join('\n')}\n`;
    const good = text(HEADER, ...ROWS);
    const cases: [
      what: string,
      file: string | Uint8Array,
      mapping: Partial<Mapping>,
      code: string,
      words: RegExp,
    ][] = [
      ['an empty file', '', {}, 'import/empty', /data\.csv: the file is empty/],
      ['a header alone', text(HEADER), {}, 'import/empty', /no customer/],
      ['another delimiter', good.replaceAll(',', ';'), {}, 'import/format', /row 1: .*single column.*";"/],
      [
        'a missing column',
        good.replaceAll('spend', 'spent'),
        {},
        'import/column-missing',
        /row 1: there is no column spend/,
      ],
      [
        'a word outside the vocabulary',
        good.replace('plus', 'gold'),
        {},
        'import/value',
        /row 3, column plan:/,
      ],
      [
        'a number that is none',
        good.replace('10.5', '10,5'.replace(',', ' ')),
        {},
        'import/value',
        /row 2, column spend:/,
      ],
      ['a decimal comma', good.replace('10.5', '"10,5"'), {}, 'import/value', /row 2, column spend: .*"\."/],
      [
        'an unknown label',
        good.replace('"a, b",no', '"a, b",maybe'),
        {},
        'import/value',
        /row 3, column left:/,
      ],
      ['a customer twice', good.replace('c3', 'c1'), {}, 'import/duplicate', /row 4, column id: .*row 2/],
      ['a customer without a number', good.replace('c3', ''), {}, 'import/value', /row 4, column id:/],
      ['a row with too few cells', good.replace('c3,', ''), {}, 'import/format', /row 4: .*5 cells.*6/],
      [
        'a quote that closes in a later row',
        good.replace('hello', '"hello'),
        {},
        'import/format',
        /row 2: after a closing quote/,
      ],
      [
        'a quote that never closes',
        good.replaceAll('"', '').replace('a, b', '"a'),
        {},
        'import/format',
        /row 3: a quote is opened/,
      ],
      ['Latin-1', Buffer.from(good.replace('hello', 'hällo'), 'latin1'), {}, 'import/encoding', /line 2/],
      ['UTF-16', Buffer.from(`\ufeff${good}`, 'utf16le'), {}, 'import/encoding', /line 1/],
      ['no positive label', good.replaceAll('yes', 'no'), {}, 'import/no-positives', /column left/],
      [
        'a column that stands there twice',
        good.replace('note', 'plan').replace('"a, b"', 'b'),
        { columns: { plan: MAPPING.columns['plan']! } },
        'import/format',
        /column plan stands there twice/,
      ],
      [
        'a rate without a seed',
        good,
        { consent: { ...withoutColumn(), rate: { granted: 0.5 } } },
        'mapping/invalid',
        /"seed"/,
      ],
      ['a label in the future', good, { referenceTime: '2026-05-20T00:00:00Z' }, 'mapping/invalid', /future/],
      [
        'facts past their retention',
        good,
        { referenceTime: '2022-05-20T00:00:00Z' },
        'mapping/invalid',
        /retentionDays/,
      ],
    ];
    it.each(cases)('%s', async (_what, file, mapping, code, words) => {
      const error: unknown = await importFile(file, { ...MAPPING, ...mapping }).catch((e: unknown) => e);
      expect(error).toMatchObject({ code, message: expect.stringMatching(words) });
      expect(await region.store.counts()).toEqual({ twins: 0, events: 0, consents: 0, undelivered: 0 });
    });

    it('never with a value of a customer', async () => {
      const secret = 'Kowalska-1234';
      for (const wrong of [
        good.replace('plus', secret),
        good.replace('10.5', secret),
        good.replace('hello', `"${secret}`),
        good.replace('c3,basic', secret),
      ]) {
        const error = await importFile(wrong, MAPPING).catch((e: unknown) => e as Error);
        expect(String(error)).not.toContain(secret);
      }
    });
  });

  it('reads BOM, CRLF, other quotes and decimal commas', async () => {
    const lines = [HEADER, ...ROWS]
      .join('\r\n')
      .replaceAll(',', ';')
      .replaceAll('"', "'")
      .replace('10.5', '10,5');
    const format = { delimiter: ';', quote: "'", decimal: ',' as const };
    expect(await importFile(`\ufeff${lines}`, { ...MAPPING, format })).toMatchObject({ customers: 4 });
  });

  it('takes the row number for a customer where the mapping names no column', async () => {
    await importFile(`${[HEADER, ...ROWS].join('\n')}\n`, { ...MAPPING, subject: null });
    expect(await region.store.findTwin(customerBinding('1'))).toBe(region.store.subjectOf('1'));
    expect(await region.store.findTwin(customerBinding('4'))).not.toBeNull();
  });

  const importRows = (lines: string[] = [HEADER, ...ROWS]) => importFile(`${lines.join('\n')}\n`, MAPPING);

  async function importFile(content: string | Uint8Array, mapping: Mapping) {
    const data = join(files.folder, 'data.csv');
    const map = join(files.folder, 'mapping.json');
    await writeFile(data, content);
    await writeFile(map, JSON.stringify(mapping));
    return importCsvFile(region, data, map, () => NOW);
  }

  async function chainOf(customer: string) {
    const [twin] = await region.store.readTwins([region.store.subjectOf(customer)]);
    return twin!.consents;
  }

  async function mayContribute(customer: string): Promise<boolean> {
    const subject = region.store.subjectOf(customer);
    const state = readConsentChain(await chainOf(customer)).signed;
    const { purpose } = MAPPING.consent;
    const categories = { required: ['transactional' as const], optional: [] };
    return decide(
      { subject, categories, purpose, sector: 'general', operation: 'contribute' },
      state,
      Date.now(),
    ).allow;
  }
});

function withoutColumn(): Mapping['consent'] {
  const { purpose, notice, evidence } = MAPPING.consent;
  return { purpose, notice, evidence };
}
