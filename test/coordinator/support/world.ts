/** A coordinator on a real database and a real port, and everyone around it. */
import { bytesToBase64Url } from '@twinkeep/audit';
import {
  startCoordinator,
  type Coordinator,
  type CoordinatorConfig,
  type Surroundings,
} from '@twinkeep/coordinator';
import {
  consentReceiptsSchema,
  PATHS,
  roundOfferSchema,
  sodiumReady,
  statementHash,
  type ConsentReceipts,
  type HelperRound,
  type RoundConfig,
  type RoundOffer,
  type TaskSpec,
} from '@twinkeep/protocol';
import pg from 'pg';
import { pino } from 'pino';
import * as v from 'valibot';
import { createTestDatabase } from '../../support/postgres.ts';
import { createClient, type Answer, type Client } from './client.ts';
import { createTestHelper, type TestHelper } from './helper.ts';
import { consentOf, createNode, reportOf, type ClearReport, type TestNode } from './node.ts';
import { createDevice, createParties, PUBLIC_URL, type Device, type Parties } from './parties.ts';

export interface World {
  parties: Parties;
  databaseUrl: string;
  /** The superuser's eye on the tables. */
  sql: pg.Pool;
  client: Client;
  /** Where `client` goes. */
  port: number;
  operator: Device;
  helpers: TestHelper[];
  /** Starts another coordinator over the same database; calls go to it from now on. */
  restart(surroundings?: Partial<Surroundings>): Promise<void>;
  /** A second process on the same database; calls still go to the first. */
  startAnother(): Promise<{ coordinator: Coordinator; client: Client }>;
  stop(): Promise<void>;
  publish(task: TaskSpec): Promise<Answer>;
  /** A node with so many consenting twins. */
  addNode(twins: number, name?: string): Promise<TestNode>;
  sendConsents(node: TestNode, jws: readonly string[]): Promise<ConsentReceipts>;
  /** Null where there is no news. */
  pollOffer(taskId: string, after?: number, wait?: number): Promise<RoundOffer | null>;
  offer(taskId: string): Promise<RoundOffer>;
  /** Waits until a round of this number is open, which the helpers sign as soon as it is proposed. */
  openRound(taskId: string, round?: number): Promise<OpenRound>;
  upload(node: TestNode, round: OpenRound, clear: ClearReport): Promise<Answer>;
  /** Helpers sign what is proposed, and close what was abandoned. */
  helpersCosign(helpers?: readonly TestHelper[]): Promise<void>;
  helpersClose(helpers?: readonly TestHelper[]): Promise<void>;
  /** Helpers judge, then say ready, then send sums, as far as the round lets them. */
  helpersJudge(helpers?: readonly TestHelper[]): Promise<void>;
  helpersReveal(helpers?: readonly TestHelper[]): Promise<void>;
}

export interface OpenRound {
  config: RoundConfig;
  rcHash: string;
}

export const SILENT = pino({ level: process.env['TEST_LOG'] ?? 'silent' });

/** Pins witnesses in the trust of the parties. @returns where they are */
export type AddWitnesses = (parties: Parties) => Promise<NonNullable<CoordinatorConfig['witnesses']>>;

export async function createWorld(
  surroundings: Partial<Surroundings> = {},
  addWitnesses: AddWitnesses = () => Promise.resolve([]),
  settings: Pick<CoordinatorConfig, 'gpcStopsTraining'> = {},
): Promise<World> {
  await sodiumReady;
  const parties = await createParties();
  const witnesses = await addWitnesses(parties);
  const databaseUrl = await createTestDatabase();
  const sql = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  const start = (around: Partial<Surroundings>): Promise<Coordinator> =>
    startCoordinator(
      {
        listen: { host: '127.0.0.1', port: 0 },
        publicUrl: PUBLIC_URL,
        databaseUrl,
        allowedOrigins: ['https://shop.test'],
        maxParked: 50,
        logLevel: 'info',
        trust: parties.trust,
        key: parties.key,
        logKey: parties.logKey,
        vaultKey: parties.vaultKey,
        witnesses,
        ...settings,
      },
      { log: SILENT, ...around },
    );
  let coordinator = await start(surroundings);
  let client = createClient(coordinator.port);
  const others: Coordinator[] = [];
  const helpers = parties.helpers.map((key, i) => createTestHelper(i + 1, key, () => client));
  const operator = await createDevice(parties, { scope: 'operator', maxTwins: 1 });

  const world: World = {
    parties,
    databaseUrl,
    sql,
    get client() {
      return client;
    },
    get port() {
      return coordinator.port;
    },
    operator,
    helpers,
    restart: async (around = {}) => {
      await coordinator.stop();
      coordinator = await start(around);
      client = createClient(coordinator.port);
    },
    startAnother: async () => {
      const other = await start({});
      others.push(other);
      return { coordinator: other, client: createClient(other.port) };
    },
    stop: async () => {
      await Promise.all([coordinator, ...others].map((each) => each.stop()));
      await sql.end();
    },
    publish: async (task) => client.sendAs(operator, { method: 'POST', path: PATHS.tasks, body: task }),
    addNode: async (twins, name) => {
      const node = await createNode(parties, twins, name);
      const events = await Promise.all(node.twins.map((subject) => consentOf(node, subject)));
      await world.sendConsents(
        node,
        events.map(({ jws }) => jws),
      );
      return node;
    },
    sendConsents: async (node, jws) => {
      const answer = await client.sendAs(node.device, {
        method: 'POST',
        path: PATHS.consents,
        body: { events: jws },
      });
      if (answer.status !== 200) throw new Error(`consents: ${JSON.stringify(answer.body)}`);
      return v.parse(consentReceiptsSchema, answer.body);
    },
    offer: async (taskId) => {
      const offer = await world.pollOffer(taskId);
      if (offer === null) throw new Error('an unconditional read has an answer');
      return offer;
    },
    pollOffer: async (taskId, after, wait = 0) => {
      const query = after === undefined ? '' : `?after=${after}&wait=${wait}`;
      const answer = await client.send({ method: 'GET', path: PATHS.round(taskId) + query });
      return answer.status === 204 ? null : v.parse(roundOfferSchema, answer.body);
    },
    openRound: async (taskId, round = 1) => {
      for (let rev: number | undefined; ;) {
        const offer = await world.pollOffer(taskId, rev, 5);
        if (offer === null) continue;
        rev = offer.rev;
        if (offer.phase === 'proposed') await world.helpersCosign();
        const statement = offer.config?.statement;
        if (statement === undefined || statement.body.round < round) continue;
        if (statement.body.round > round) throw new Error(`round ${round} is over`);
        return { config: statement.body, rcHash: bytesToBase64Url(statementHash(statement)) };
      }
    },
    upload: (node, { rcHash }, { report }) =>
      client.sendAs(node.device, {
        method: 'PUT',
        path: PATHS.report(rcHash, node.device.key.id),
        body: report.bytes,
      }),
    helpersCosign: async (who = helpers) => {
      for (const helper of who) {
        for (const proposal of (await helper.work()).proposals) {
          const answer = await helper.cosign(proposal);
          // The signatures of the others were enough meanwhile.
          if (answer.code !== 'round/closed') mustSucceed(answer);
        }
      }
    },
    helpersClose: async (who = helpers) => {
      for (const helper of who) {
        for (const closing of (await helper.work()).closing) {
          const answer = await helper.close(closing);
          if (answer.code !== 'round/closed') mustSucceed(answer);
        }
      }
    },
    helpersJudge: async (who = helpers) => {
      for (const helper of who) {
        for (const round of (await helper.work()).rounds)
          if (round.reports.length > 0) mustSucceed(await helper.judge(round));
      }
    },
    helpersReveal: async (who = helpers) => {
      await eachRound(who, async (helper, round) => mustSucceed(await helper.ready(round)));
      await eachRound(who, async (helper, round) => {
        const answer = await helper.sums(round);
        // The last sums that were needed have ended the round meanwhile.
        if (answer.code !== 'round/closed') mustSucceed(answer);
      });
    },
  };
  return world;
}

async function eachRound(
  helpers: readonly TestHelper[],
  act: (helper: TestHelper, round: HelperRound) => Promise<void>,
): Promise<void> {
  for (const helper of helpers) {
    for (const round of (await helper.work()).rounds) if (round.set !== null) await act(helper, round);
  }
}

export function mustSucceed(answer: Answer): void {
  if (answer.status >= 300) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`);
}

/** Task published, helpers' epochs in, nodes consenting: as far as the first open round. */
export async function createRoundWorld(
  task: TaskSpec,
  nodes: readonly number[],
  surroundings: Partial<Surroundings> = {},
  addWitnesses?: AddWitnesses,
): Promise<{ world: World; nodes: TestNode[]; round: OpenRound }> {
  const world = await createWorld(surroundings, addWitnesses);
  for (const helper of world.helpers) mustSucceed(await helper.publishEpoch());
  const made: TestNode[] = [];
  for (const [i, twins] of nodes.entries()) made.push(await world.addNode(twins, `node-${i}`));
  mustSucceed(await world.publish(task));
  return { world, nodes: made, round: await world.openRound(task.taskId) };
}

export { reportOf };
