/** What security monitoring gets from a running coordinator: asked for by an officer, and told to a receiver. */
import { bytesToUtf8 } from '@twinkeep/audit';
import { startCoordinator } from '@twinkeep/coordinator';
import { EVIDENCE_PATH, PATHS } from '@twinkeep/protocol';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer } from '../support/client.ts';
import { consentOf, type TestNode } from '../support/node.ts';
import { createDevice, PUBLIC_URL, type Device } from '../support/parties.ts';
import { smallTask } from '../support/task.ts';
import { createRoundWorld, SILENT, type World } from '../support/world.ts';

let world: World;
let nodes: TestNode[];
let officer: Device;
beforeAll(async () => {
  ({ world, nodes } = await createRoundWorld(
    smallTask({ floors: { nMin: 2, nTarget: 2, minTwins: 2, maxTwins: 1_000 } }),
    [2, 2],
  ));
  officer = await createDevice(world.parties, { scope: 'officer', maxTwins: 1 });
  const [node] = nodes as [TestNode];
  const withdrawal = await consentOf(node, node.twins[0] as string, 'withdraw');
  await world.sendConsents(node, [withdrawal.jws]);
});
afterAll(() => world.stop());

const ask = (query: string, as: Device = officer): Promise<Answer> =>
  world.client.sendAs(as, { method: 'GET', path: `${PATHS.logEvents}${query}` });
const linesOf = ({ body }: Answer): string[] =>
  bytesToUtf8(body as Uint8Array)
    .split('\n')
    .slice(0, -1);
interface Told {
  index: number;
  name: string;
}
const eventsOf = (answer: Answer): Told[] => linesOf(answer).map((line) => JSON.parse(line) as Told);

describe('asked by index', () => {
  it('names every entry once, in the order of the log, and the withdrawal by what it was', async () => {
    const events = eventsOf(await ask(''));
    expect(events.map(({ index }) => index)).toEqual(events.map((_, i) => i));
    expect(events.filter(({ name }) => name === 'consent.grant')).toHaveLength(4);
    expect(events.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['task.published', 'round.opened', 'consent.withdraw']),
    );
    const pages = [...eventsOf(await ask('?from=0&limit=3')), ...eventsOf(await ask('?from=3&limit=1000'))];
    expect(pages).toEqual(events);
    expect(linesOf(await ask(`?from=${events.length}`))).toEqual([]);
  });

  it('tells no pseudonym, no key and no signature', async () => {
    const subjects = nodes.flatMap(({ twins }) => twins);
    expect(subjects).toHaveLength(4);
    for (const format of ['ndjson', 'cef', 'ocsf']) {
      const lines = linesOf(await ask(`?format=${format}`));
      expect(lines.length).toBeGreaterThan(5);
      for (const secret of [...subjects, ...nodes.map(({ device }) => device.key.id), 'eyJ'])
        expect(lines.join('\n')).not.toContain(secret);
    }
  });

  it('an officer who takes evidence out is told of too, without about whom', async () => {
    const [subject] = (nodes[0] as TestNode).twins as [string];
    const body = { target: { kind: 'subject', subject }, reason: 'ticket 7' };
    const taken = await world.client.sendAs(officer, { method: 'POST', path: EVIDENCE_PATH, body });
    expect(taken.status).toBe(200);
    const last = eventsOf(await ask('')).at(-1);
    expect(last).toMatchObject({ name: 'access.subject', activity: 'read', fields: { kind: 'subject' } });
    expect(JSON.stringify(last)).not.toContain(subject);
  });

  it('is for officers, and says what it was asked wrongly', async () => {
    expect((await ask('', world.operator)).code).toBe('auth/forbidden');
    expect((await world.client.send({ method: 'GET', path: PATHS.logEvents })).code).toBe('auth/missing');
    expect((await ask('?format=xml')).body).toMatchObject({
      detail: expect.stringMatching(/ndjson, cef, ocsf/),
    });
    expect((await ask('?limit=1001')).status).toBe(400);
  });
});

it('a receiver of the configuration is told the same, and goes on after a restart where it stood', async () => {
  const told: Told[] = [];
  const receiver = createServer((req, res) => {
    let body = '';
    req.on('data', (part: Buffer) => (body += part.toString()));
    req.on('end', () => {
      for (const line of body.split('\n').slice(0, -1)) told.push(JSON.parse(line) as Told);
      res.writeHead(204).end();
    });
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const { port } = receiver.address() as AddressInfo;
  const start = () =>
    startCoordinator(
      {
        listen: { host: '127.0.0.1', port: 0 },
        publicUrl: PUBLIC_URL,
        databaseUrl: world.databaseUrl,
        allowedOrigins: [],
        maxParked: 10,
        logLevel: 'info',
        ...world.parties,
        siem: [
          {
            kind: 'webhook',
            name: 'monitoring',
            format: 'ndjson',
            url: `http://127.0.0.1:${port}/`,
            secret: new Uint8Array(32),
          },
        ],
      },
      { log: SILENT },
    );
  try {
    const before = eventsOf(await ask(''));
    const first = await start();
    await expect.poll(() => told.length, { timeout: 30_000 }).toBe(before.length);
    await first.stop();
    const [, node] = nodes as [TestNode, TestNode];
    const withdrawal = await consentOf(node, node.twins[0] as string, 'withdraw');
    await world.sendConsents(node, [withdrawal.jws]);
    const second = await start();
    await expect.poll(() => told.length, { timeout: 30_000 }).toBeGreaterThan(before.length);
    await second.stop();
    const all = eventsOf(await ask(''));
    expect(told).toEqual(all.slice(0, told.length));
    expect(told.filter(({ name }) => name === 'consent.withdraw')).toHaveLength(2);
  } finally {
    receiver.close();
  }
});
