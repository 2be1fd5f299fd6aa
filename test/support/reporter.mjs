/**
 * A device of its own process, for the tests that kill: it consents for its twins, makes a report of known content in each round, tells its
 * parent the clear numbers before they are masked, and uploads when the parent says so. Runs on the built packages, with their real
 * randomness. Messages in: `start`, `upload`. Messages out: `ready`, `quantized`, `accepted`, `refused`.
 */
import {
  createConsentEvent,
  createConsentSigner,
  createRecordId,
  linkToHeads,
  NO_CONSENT,
  signConsentEvent,
} from '@twinkeep/consent';
import { createTransport, submitConsents, submitReport, watchRound } from '@twinkeep/edge-client/fleet';
import {
  addEvaluation,
  clipDelta,
  importSigningKey,
  maskReport,
  publicKeyToJwk,
  quantize,
  randomBytes,
  rotationSigns,
  sodiumReady,
  statementHash,
  taskLayout,
  webCryptoPrg,
} from '@twinkeep/protocol';
import { base64UrlToBytes, bytesToBase64Url } from '@twinkeep/audit';
import { setTimeout as pause } from 'node:timers/promises';

const permissions = new Map();
const waiting = new Map();

process.on('message', (message) => {
  if (message.type === 'start') void run(message).catch(fail);
  if (message.type === 'upload') {
    permissions.set(message.round, true);
    waiting.get(message.round)?.();
  }
});
process.on('disconnect', () => process.exit(0));

async function run(options) {
  await sodiumReady;
  const key = await importSigningKey(options.keyJwk);
  const transport = createTransport({
    baseUrl: options.url,
    key,
    credential: () => options.credential,
    fetch,
    clock: Date.now,
    random: randomBytes,
  });
  const events = await Promise.all(options.members.map((subject) => consent(subject, key, options)));
  for (let start = 0; start < events.length; start += 200)
    await submitConsents(transport, events.slice(start, start + 200), options.vkey);
  process.send({ type: 'ready' });
  const reported = new Set();
  for await (const offer of watchRound(transport, options.task.taskId, {
    signal: new AbortController().signal,
  })) {
    if (offer.state === 'finished') return;
    const { statement } = offer.config ?? {};
    if (offer.phase !== 'collecting' || statement === undefined || reported.has(statement.body.round))
      continue;
    reported.add(statement.body.round);
    void report(statement, options, key, transport).catch(fail);
  }
}

async function report(statement, options, key, transport) {
  const config = statement.body;
  const quantized = await knownVector(config, options);
  process.send({
    type: 'quantized',
    round: config.round,
    words: Buffer.from(quantized.values.buffer).toString('base64'),
    twins: quantized.twins,
  });
  const rcHash = statementHash(statement);
  const device = { key, credential: options.credential };
  const masked = await maskReport(quantized, options.members, { config, rcHash }, device, {
    prg: webCryptoPrg,
    random: randomBytes,
  });
  if (!permissions.has(config.round)) await new Promise((resolve) => waiting.set(config.round, resolve));
  for (;;) {
    try {
      await submitReport(transport, masked, { rcHash: bytesToBase64Url(rcHash), kid: key.id });
      process.send({ type: 'accepted', round: config.round });
      return;
    } catch (error) {
      if (!String(error.code).startsWith('transport/')) {
        process.send({ type: 'refused', round: config.round, code: error.code });
        return;
      }
      await pause(100);
    }
  }
}

/** One twin trains on a vector that its number fixes; the others are held out with one score each. */
async function knownVector(config, { task, members, number }) {
  const layout = taskLayout(task);
  const signs = await rotationSigns(base64UrlToBytes(config.rotation.seed), layout.dPadded, webCryptoPrg);
  const values = Float64Array.from(
    { length: config.d },
    (_, i) => Math.sin(number * 1000 + i) * config.clipL2,
  );
  const heldOut = members.length - 1;
  const logits = Float32Array.from({ length: heldOut }, (_, i) => ((i * 37 + number * 11) % 80) / 10 - 4);
  const labels = Float32Array.from(logits, (logit, i) => ((i * 7 + number) % 10 < 5 + logit ? 1 : 0));
  const evaluation = addEvaluation(logits, labels, config.evaluationUnit, task.evaluation);
  const trains =
    config.kind === 'train' ? clipDelta(values, config.clipL2) : clipDelta(values.fill(0), config.clipL2);
  const { unit, clipStep, qTwin, clipL2 } = config;
  return quantize(trains, evaluation, { layout, unit, clipStep, qTwin, clipL2, signs }, randomBytes);
}

async function consent(subject, key, { task, controller, party }) {
  const signer = await createConsentSigner(key.privateKey, publicKeyToJwk(key.publicKey));
  const at = Math.floor(Date.now() / 1000) * 1000;
  const event = createConsentEvent({
    type: 'grant',
    recordId: createRecordId(at, randomBytes(10)),
    subject,
    controller,
    seq: 1,
    links: linkToHeads(NO_CONSENT),
    jurisdiction: ['EU'],
    notice: { id: 'test-notice', version: '1.0.0', lang: 'en', hash: `sha-256:${'A'.repeat(43)}` },
    categories: task.categories,
    purpose: task.purpose,
    operations: ['collect', 'train_local', 'contribute'],
    at,
    method: 'import',
    terms: { consentType: 'expressed', storage: { location: party, retention: 'P2Y', deletion: 'P30D' } },
    provenance: {
      by: 'collector',
      collectedBy: { kid: signer.kid, party },
      evidence: [{ kind: 'record', value: 'test' }],
    },
  });
  return (await signConsentEvent(event, signer)).jws;
}

function fail(error) {
  process.send({ type: 'failed', code: error.code ?? 'none', message: String(error.stack) });
}
