// A million customer-months, as lines of events, over the five industries: `npm run bench:simulate`, after a build. Threads: as
// many as the machine has cores, or --threads N. The gate is 60 s.
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { simulateLines } from '@twinkeep/synthetic/node';
import { INDUSTRIES } from '@twinkeep/synthetic/simulate';

const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    months: { type: 'string', default: '1000000' },
    threads: { type: 'string', default: String(availableParallelism()) },
    json: { type: 'string' },
  },
});
const GATE = 60;
const MONTHS = 12;
const threads = Number(flags.threads);
const customers = Math.ceil(Number(flags.months) / MONTHS / INDUSTRIES.length);
const figures = { threads, customerMonths: customers * MONTHS * INDUSTRIES.length, industries: {} };

let total = 0;
process.stdout.write(`${figures.customerMonths} customer-months of events on ${threads} thread(s)\n`);
for (const industry of INDUSTRIES) {
  const options = {
    industry,
    seed: Number(flags.seed),
    customers,
    months: MONTHS,
    startTime: '2025-01-01T00:00:00Z',
  };
  const started = performance.now();
  let bytes = 0;
  for await (const block of simulateLines(options, 'events', threads)) bytes += block.length;
  const seconds = (performance.now() - started) / 1000;
  total += seconds;
  figures.industries[industry] = { seconds, bytes };
  process.stdout.write(
    `  ${industry.padEnd(8)} ${seconds.toFixed(1).padStart(6)} s   ${(bytes / 1e6).toFixed(0).padStart(4)} MB   ` +
      `${Math.round((customers * MONTHS) / seconds)} customer-months/s\n`,
  );
}
figures.seconds = total;
process.stdout.write(`  total    ${total.toFixed(1).padStart(6)} s   (gate: ${GATE} s per million)\n`);
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(figures, null, 2)}\n`);
if (total > (GATE * figures.customerMonths) / 1e6) process.exitCode = 1;
