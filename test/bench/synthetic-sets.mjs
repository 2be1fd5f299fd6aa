// The public sets of the benchmarks of synthetic data: their schemas, how they are read, and how they are split. They are not part of this
// repository: see the benchmarks for where they are looked for.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cellsToColumn, createTable, sampleRows, selectRows } from '@twinkeep/synthetic/evaluate';

const word = (name, text) => ({ kind: 'category', name, words: text.split('|') });
const number = (name, min, max, more) => ({ kind: 'number', name, min, max, step: 1, ...more });
const YES_NO = 'No|Yes';
const LINE = 'No internet service|No|Yes';
const BANK_JOBS =
  'admin.|blue-collar|entrepreneur|housemaid|management|retired|self-employed|services|student|technician|unemployed|unknown';

// Written from the public descriptions of the sets, not read off them.
export const SETS = [
  {
    file: 'telco_churn.csv',
    separator: ',',
    target: { column: 'Churn', positive: 'Yes' },
    gate: { epsilon: 1, auc: 0.81, quality: 0.955 },
    columns: [
      word('gender', 'Female|Male'),
      word('SeniorCitizen', '0|1'),
      word('Partner', YES_NO),
      word('Dependents', YES_NO),
      number('tenure', 0, 73, { bins: 24 }),
      word('PhoneService', YES_NO),
      word('MultipleLines', 'No phone service|No|Yes'),
      word('InternetService', 'DSL|Fiber optic|No'),
      ...[
        'OnlineSecurity',
        'OnlineBackup',
        'DeviceProtection',
        'TechSupport',
        'StreamingTV',
        'StreamingMovies',
      ].map((name) => word(name, LINE)),
      word('Contract', 'Month-to-month|One year|Two year'),
      word('PaperlessBilling', YES_NO),
      word(
        'PaymentMethod',
        'Bank transfer (automatic)|Credit card (automatic)|Electronic check|Mailed check',
      ),
      number('MonthlyCharges', 15, 125, { bins: 22, step: 0.01 }),
      number('TotalCharges', 0, 9_000, {
        edges: [
          50, 100, 200, 350, 500, 750, 1_000, 1_300, 1_600, 2_000, 2_500, 3_000, 3_600, 4_300, 5_000, 5_800,
          6_800,
        ],
        step: 0.01,
        missing: true,
      }),
      word('Churn', YES_NO),
    ],
  },
  {
    file: 'bank_full.csv',
    separator: ';',
    target: { column: 'y', positive: 'yes' },
    gate: { epsilon: 1, auc: 0.77 },
    columns: [
      number('age', 18, 98, { bins: 20 }),
      word('job', BANK_JOBS),
      word('marital', 'divorced|married|single'),
      word('education', 'primary|secondary|tertiary|unknown'),
      word('default', 'no|yes'),
      number('balance', -10_000, 110_000, {
        atoms: [0],
        edges: [
          -500, -200, -50, 0, 50, 100, 200, 300, 450, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 20_000,
        ],
      }),
      word('housing', 'no|yes'),
      word('loan', 'no|yes'),
      word('contact', 'cellular|telephone|unknown'),
      number('day', 1, 32, { bins: 31 }),
      word('month', 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec'),
      number('campaign', 1, 64, { atoms: [1, 2, 3, 4, 5, 6], edges: [9, 13, 20] }),
      number('pdays', 0, 900, { atoms: [-1], bins: 30 }),
      number('previous', 0, 300, { atoms: [0, 1, 2, 3, 4, 5], edges: [8, 12, 20] }),
      word('poutcome', 'failure|other|success|unknown'),
      word('y', 'no|yes'),
    ],
  },
  {
    file: 'readmission.csv',
    separator: ',',
    target: { column: 'readmitted', positive: 'Yes' },
    columns: [
      word('readmitted', YES_NO),
      { ...word('race', 'African American|Asian|Caucasian|Hispanic|Other'), missing: true, other: 'Other' },
      word('sex', 'Female|Male'),
      word('age', '[0-10)|[10-20)|[20-30)|[30-40)|[40-50)|[50-60)|[60-70)|[70-80)|[80-90)|[90-100)'),
      { ...word('admission_source', 'Emergency|Referral|Transfer|Other'), missing: true, other: 'Other' },
      { ...word('blood_glucose', 'Normal|High|Very High|Other'), missing: true, other: 'Other' },
      { ...word('insurer', 'Medicaid|Medicare|Private|Self-Pay|Other'), missing: true, other: 'Other' },
      number('duration', 1, 15, { bins: 14 }),
      number('n_previous_visits', 0, 100, { atoms: [0, 1, 2, 3, 4, 5], edges: [8, 12] }),
      number('n_diagnoses', 1, 17, { bins: 16 }),
      number('n_procedures', 0, 7, { bins: 7 }),
      number('n_medications', 0, 90, { edges: [3, 5, 7, 9, 11, 13, 15, 17, 19, 22, 25, 30, 40] }),
    ],
  },
];

/** Null where the file is not there. */
export function readSet(folder, { file, separator, columns }) {
  const path = join(folder, file);
  return existsSync(path) ? readTable(readFileSync(path, 'utf8'), separator, { columns }) : null;
}

/** Seven tenths to learn from and three to test on, another split for each seed. */
export function splitSet(table, seed) {
  const order = sampleRows(rowNumbers(table.rows), table.rows - 1, seed).columns[0].values;
  const cut = Math.floor(0.7 * table.rows);
  return {
    train: selectRows(table, order.subarray(0, cut)),
    holdout: selectRows(table, order.subarray(cut)),
  };
}

/** Files without quoted separators, as these are. */
function readTable(text, separator, { columns }) {
  const rows = text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(separator).map((cell) => cell.replace(/^"|"$/g, '').trim()));
  const head = rows.shift();
  return createTable(
    columns.map(({ name, kind }) => {
      const place = head.indexOf(name);
      const cells = rows.map((row) => (row[place] === '' || row[place] === 'NA' ? null : row[place]));
      const typed = kind === 'number' ? cells.map((cell) => (cell === null ? null : Number(cell))) : cells;
      return cellsToColumn(name, kind, typed);
    }),
  );
}

function rowNumbers(rows) {
  return createTable([
    cellsToColumn(
      'row',
      'number',
      Array.from({ length: rows }, (_, row) => row),
    ),
  ]);
}

export function mean(values) {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

export function spread(values) {
  const centre = mean(values);
  const sd = Math.sqrt(values.reduce((sum, x) => sum + (x - centre) ** 2, 0) / (values.length - 1));
  return `${centre.toFixed(3)} +- ${sd.toFixed(3)}`;
}
