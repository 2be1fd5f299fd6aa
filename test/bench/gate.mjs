// What gate G0 costs a region node: microseconds per event that is admitted or refused, on the path that an import takes; the same with the
// reading of the customer's chain of consents, which it does once for all events of the customer; and beside these, asking each time from the
// consent events themselves (fold, then decide) and deciding each time from a state that is kept.
//   npm run bench:gate -- [--subjects N] [--events N] [--seed N] [--json FILE]
import { CATEGORIES, createConsentEvent, decide, foldConsents, millisToInstant } from '@twinkeep/consent';
import { admit, isAdmitted, parseEvent, readConsentChain } from '@twinkeep/edge-client/fleet';
import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { parseArgs } from 'node:util';

const WARM_UP = 200;
const DAY = 86_400_000;
const NOW = Date.parse('2026-06-01T12:00:00Z');
const PURPOSE = 'https://w3id.org/dpv#ServiceOptimisation';
const USE = { purpose: PURPOSE, sector: 'general' };
const POLICY = {
  uses: [USE],
  retentionDays: Object.fromEntries(CATEGORIES.map((category) => [category, 730])),
};

const { values: flags } = parseArgs({
  options: {
    subjects: { type: 'string', default: '2000' },
    events: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});
const subjects = Number(flags.subjects);
const perSubject = Number(flags.events);
const random = lcg(Number(flags.seed));

let networkCalls = 0;
const { connect } = Socket.prototype;
Socket.prototype.connect = function counted(...args) {
  networkCalls++;
  return connect.apply(this, args);
};
const { fetch } = globalThis;
globalThis.fetch = (...args) => {
  networkCalls++;
  return fetch(...args);
};

const micros = { gate: [], read: [], decided: [], folded: [] };
const counts = { admitted: 0, refused: 0 };
for (let n = -WARM_UP; n < subjects; n++) {
  const subject = Buffer.from(Array.from({ length: 16 }, () => random() * 256)).toString('base64url');
  const chain = chainOf(subject);
  const raw = Array.from({ length: perSubject }, () => parseEvent(eventAt(random())));
  const state = foldConsents(chain);
  const gate = timed(() => raw.map((event) => isAdmitted(admit(event, subject, state, POLICY, NOW))));
  const entries = chain.map(entryOf);
  const read = timed(() => {
    const { signed } = readConsentChain(entries);
    return raw.map((event) => isAdmitted(admit(event, subject, signed, POLICY, NOW)));
  });
  const decided = timed(() => raw.map(({ event }) => ask(event, subject, state)));
  const folded = timed(() => raw.map(({ event }) => ask(event, subject, foldConsents(chain))));
  const differs = gate.result.some((allow, i) =>
    [read, decided, folded].some(({ result }) => result[i] !== allow),
  );
  if (differs) throw new Error('the ways of asking disagree');
  if (n < 0) continue;
  micros.gate.push(gate.micros / perSubject);
  micros.read.push(read.micros / perSubject);
  micros.decided.push(decided.micros / perSubject);
  micros.folded.push(folded.micros / perSubject);
  for (const allow of gate.result) counts[allow ? 'admitted' : 'refused']++;
}

const result = {
  subjects,
  events: subjects * perSubject,
  ...counts,
  networkCalls,
  microsPerEvent: Object.fromEntries(
    Object.entries(micros).map(([way, all]) => [
      way,
      { median: quantile(all, 0.5), p99: quantile(all, 0.99) },
    ]),
  ),
};
const { gate, read, decided, folded } = result.microsPerEvent;
result.ratio = { decided: decided.median / gate.median, folded: folded.median / gate.median };
process.stdout.write(
  `gate G0, ${result.events} events of ${subjects} subjects: ${counts.admitted} admitted, ${counts.refused} refused\n` +
    `  as a region node asks      ${line(gate)}\n` +
    `  and reads the chain first  ${line(read)}\n` +
    `  decided each time          ${line(decided)}   ${result.ratio.decided.toFixed(1)} x\n` +
    `  folded and decided         ${line(folded)}   ${result.ratio.folded.toFixed(1)} x\n` +
    `  network calls              ${networkCalls}\n`,
);
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(result, null, 2)}\n`);

function line({ median, p99 }) {
  return `${median.toFixed(2).padStart(7)} us per event (median), ${p99.toFixed(2)} us (p99)`;
}

function ask({ category }, subject, state) {
  const categories = { required: [category], optional: [] };
  return decide({ ...USE, subject, categories, operation: 'collect' }, state, NOW).allow;
}

function timed(run) {
  const start = performance.now();
  const result = run();
  return { result, micros: 1e3 * (performance.now() - start) };
}

function quantile(values, q) {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))];
}

/** What an import writes for one customer: grants, with the notice and the explicit yes that two categories take; one in five withdraws some. */
function chainOf(subject) {
  const at = NOW - Math.floor(random() * 300) * DAY;
  const said = [
    { type: 'notify', categories: ['third_party_enrichment'] },
    { type: 'grant', categories: CATEGORIES.filter((category) => category !== 'psychographic') },
    { type: 'grant', categories: ['psychographic'], consentType: 'explicit' },
    ...(random() < 0.2 ? [{ type: 'withdraw', categories: ['contextual', 'interaction'] }] : []),
  ];
  return said.map(({ type, categories, consentType = 'expressed' }, index) => ({
    id: idOf(index),
    index,
    receivedAt: at,
    event: createConsentEvent({
      type,
      recordId: `01KF0S8Q4000000000000000${String(index).padStart(2, '0')}`,
      subject,
      controller: 'https://bank.example',
      seq: index + 1,
      links: { prev: index === 0 ? null : idOf(index - 1) },
      jurisdiction: ['EU', 'DE'],
      notice: { id: 'notice', version: '1', lang: 'en', hash: idOf(99) },
      categories: { required: categories, optional: [] },
      purpose: PURPOSE,
      operations: ['collect', 'infer_local', 'train_local', 'contribute'],
      at,
      method: 'toggle+confirm',
      provenance: { by: 'subject' },
      terms: { consentType, storage: { location: 'device', retention: 'P2Y', deletion: 'P30D' } },
    }),
  }));
}

/** As a store hands it out, signed and not logged yet: that takes the longer of the two ways. */
function entryOf({ id, event }) {
  const payload = Buffer.from(JSON.stringify(event)).toString('base64url');
  return { id, jws: `h.${payload}.s`, receipt: null };
}

function eventAt(share) {
  return {
    id: `e${Math.floor(share * 1e9)}`,
    source: 'bench',
    type: 'page.view',
    time: millisToInstant(NOW - share * 100 * DAY),
    category: CATEGORIES[Math.floor(random() * CATEGORIES.length)],
    data: { n: 1 },
  };
}

function idOf(n) {
  return `sha-256:${String(n).padStart(42, '0')}A`;
}

/** Numbers in [0, 1) that depend on the seed alone. */
function lcg(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
