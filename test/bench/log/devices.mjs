// A process of its own: devices that send their signed events, each the next when it has the receipt of the last. Signed before anything is measured.
import { PATHS, publicKeyToJwk } from '@twinkeep/protocol';
import { createHash, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createDevices, PUBLIC_URL } from './parties.mjs';

const [job] = await once(process, 'message');
const { port, concurrency, receiptsFile } = job;
const devices = await createDevices(job);
const agent = new Agent({ keepAlive: true, maxSockets: concurrency });
const url = `http://127.0.0.1:${port}${PATHS.consents}`;
const first = await send(agent, { method: 'GET', url: `http://127.0.0.1:${port}${PATHS.nonce}` });
const state = { nonce: first.nonce, latencies: [], answers: [''], refused: [''] };
process.send({ type: 'ready' });

await once(process, 'message');
const cpu = process.cpuUsage();
const started = performance.now();
const share = Math.ceil(devices.length / concurrency);
const lanes = Array.from({ length: concurrency }, (_, i) => devices.slice(i * share, (i + 1) * share));
await Promise.all(lanes.map((lane) => sendLane(lane, agent, url, state)));
const wall = performance.now() - started;
const spent = process.cpuUsage(cpu);
writeFileSync(receiptsFile, state.answers.slice(1).join('\n'));
const { latencies } = state;
const refused = state.refused.slice(1);
process.send({ type: 'done', wall, cpu: (spent.user + spent.system) / 1000, latencies, refused }, () =>
  process.exit(0),
);

/** One request at a time, the devices of the lane in turn. */
async function sendLane(devices, agent, url, state) {
  const rounds = Math.max(0, ...devices.map(({ bodies }) => bodies.length));
  for (let round = 0; round < rounds; round++) {
    for (const { key, jwt, bodies } of devices) {
      const events = bodies[round];
      if (events === undefined) continue;
      const started = performance.now();
      const proof = proveKey(key, jwt, state.nonce);
      const headers = { Authorization: `DPoP ${jwt}`, DPoP: proof, 'Content-Type': 'application/json' };
      const body = JSON.stringify({ events });
      const answer = await send(agent, { method: 'POST', url, headers, body });
      state.nonce = answer.nonce ?? state.nonce;
      state.latencies.push(performance.now() - started);
      if (answer.status === 200) state.answers.push(JSON.stringify({ events, answer: answer.text }));
      else state.refused.push(`${answer.status} ${answer.text}`);
    }
  }
}

/**
 * A DPoP proof (RFC 9449) with as little work as there is in it: a device makes one with a library and has a processor of its own for it, here
 * thousands share the processors that are measured.
 */
function proveKey(key, jwt, nonce) {
  const header = { alg: 'Ed25519', typ: 'dpop+jwt', jwk: publicKeyToJwk(key.publicKey) };
  const claims = {
    jti: randomBytes(16).toString('base64url'),
    htm: 'POST',
    htu: PUBLIC_URL + PATHS.consents,
    ath: createHash('sha256').update(jwt).digest('base64url'),
    nonce,
    iat: Math.floor(Date.now() / 1_000),
  };
  const toPart = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${toPart(header)}.${toPart(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), key.signing).toString('base64url')}`;
}

function send(agent, { method, url, headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const req = request(url, { agent, method, headers }, (res) => {
      const chunks = [];
      res.on('data', (chunk) => chunks.push(chunk));
      res.on('end', () =>
        resolve({
          status: res.statusCode,
          nonce: res.headers['dpop-nonce'],
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    req.on('error', reject);
    req.end(body);
  });
}
