/** A coordinator that lies in its own packs, with its own keys: what a reader finds who has nothing but a trust file. */
import {
  base64UrlToBytes,
  bytesToBase64Url,
  concatBytes,
  createLog,
  createNoteKey,
  createSigner,
  hashLeaf,
  noteKeyToVkey,
  sha256,
} from '@twinkeep/audit';
import { readPack, verifyPack, type CheckId, type Verdict, type VerifyOptions } from '@twinkeep/auditor';
import {
  importSigningKey,
  issueCredential,
  membersRoot,
  randomBytes,
  createSigningKey,
  setRoot,
  statementHash,
  type EvidenceContribution,
  type EvidenceEntry,
  type EvidenceTarget,
  type RoundConfig,
  type RoundResult,
  type SetCommit,
  type Statement,
} from '@twinkeep/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from '../../coordinator/store/database.ts';
import { openVault } from '../../coordinator/store/vault.ts';
import { consentOf, reportOf } from '../coordinator/support/node.ts';
import { takeApart, withFields, type Parts } from '../coordinator/support/frame.ts';
import { createDevice, createSubject, ORIGIN } from '../coordinator/support/parties.ts';
import { createMemoryLogState, createMemoryLogStore } from '../support/memory-log-store.ts';
import { createEvidenceWorld, lie, sealPack, type EvidenceWorld, type Lie } from './support.ts';

let made: EvidenceWorld;
beforeAll(async () => {
  made = await createEvidenceWorld();
});
afterAll(() => made.world.stop());

const round = (i: 0 | 1): EvidenceTarget => ({ kind: 'round', rcHash: made.rounds[i] });

async function verdictOf(
  target: EvidenceTarget,
  change: (lie: Lie) => void | Promise<void>,
  options: VerifyOptions = {},
): Promise<Verdict> {
  return verifyPack(await lie(made, await made.take(target), change), made.world.parties.trust, options);
}

const failed = ({ checks }: Verdict): CheckId[] =>
  checks.filter(({ status }) => status === 'failed').map(({ id }) => id);
const findings = ({ checks }: Verdict): string =>
  JSON.stringify(checks.filter(({ status }) => status === 'failed').flatMap((check) => check.findings));

/** Makes set and result say what the contributions now are. */
function agree({ records, body, entry }: Lie): void {
  const set = body<SetCommit>('set-commit');
  const result = body<RoundResult>('round-result');
  const inSet = records.contributions.filter(({ disposition }) => disposition === 'in-set');
  const twins = inSet.map(({ leaves }) => base64UrlToBytes(leaves).length / 32);
  const reasons = records.contributions.flatMap(({ disposition }) =>
    disposition === 'in-set' ? [] : [disposition],
  );
  set.count = inSet.length;
  set.twins = twins.reduce((sum, n) => sum + n, 0);
  set.merkleRoot = setRoot(inSet.map(({ headerHash }) => headerHash));
  set.dropped = [...new Set(reasons)].sort().map((reason) => ({
    reason,
    count: reasons.filter((other) => other === reason).length,
  }));
  const scHash = bytesToBase64Url(statementHash(entry('set-commit').body as Statement<SetCommit>));
  Object.assign(result, {
    scHash,
    count: set.count,
    twins: set.twins,
    dropped: set.dropped,
    consent: set.consent,
  });
}

/** Whatever a device signed, as a contribution to round 1. */
function contributionOf({ header, signature, members }: Parts): EvidenceContribution {
  const records = Array.from({ length: members.length / 32 }, (_, i) => members.slice(32 * i, 32 * i + 32));
  return {
    rcHash: made.rounds[0],
    headerHash: bytesToBase64Url(sha256(header)),
    disposition: 'in-set',
    signed: { header: bytesToBase64Url(header), signature: bytesToBase64Url(signature) },
    leaves: bytesToBase64Url(concatBytes(...records.map((record) => hashLeaf(record)))),
    members: records.map((record, place) => ({
      place,
      subject: bytesToBase64Url(record.subarray(0, 16)),
      salt: bytesToBase64Url(record.subarray(16)),
    })),
  };
}

describe('the liar of these tests', () => {
  it('is believed as long as it tells the truth', async () => {
    expect((await verdictOf(round(1), () => undefined)).outcome).toBe('verified');
    // Also where it has said everything again, in a log that it wrote anew.
    expect((await verdictOf(round(1), agree)).outcome).toBe('verified');
  });
});

describe('a set', () => {
  it('with a twin that had withdrawn is shown to have one', async () => {
    const verdict = await verdictOf(round(1), (told) => {
      for (const contribution of told.records.contributions) contribution.disposition = 'in-set';
      agree(told);
    });
    expect(verdict.outcome).toBe('violated');
    expect(failed(verdict)).toEqual(['gate']);
    expect(findings(verdict)).toContain('had no valid consent: withdrawn');
    expect(verdict.words[0]).toBe('No: 1 twin was used without a valid consent.');
  });

  it('with a twin that nobody asked, or for whom another node speaks, in a report that a device did sign, is shown to have one', async () => {
    const [north, south] = [made.nodes[0]!, made.nodes[1]!];
    for (const [stranger, reason] of [
      [createSubject(), 'never-asked'],
      [south.twins[0]!, 'foreign'],
    ] as const) {
      const verdict = await verdictOf(round(0), async (told) => {
        const config = told.body<RoundConfig>('round-config');
        const members = [...north.twins, stranger];
        const { report } = await reportOf(north, config, made.rounds[0], { members });
        // In place of those that they were in: a report and a twin are in a set once.
        told.records.contributions = told.records.contributions.filter(
          ({ members: own }) => !own.some(({ subject }) => members.includes(subject)),
        );
        told.records.contributions.push(contributionOf(takeApart(report.bytes)));
        agree(told);
      });
      expect(verdict.outcome).toBe('violated');
      expect(failed(verdict)).toEqual(['gate']);
      expect(findings(verdict)).toContain(`had no valid consent: ${reason}`);
    }
  });

  it('without a report that had every consent is shown to lack it', async () => {
    const verdict = await verdictOf(round(0), (told) => {
      told.records.contributions[0]!.disposition = 'consent-withdrawn';
      agree(told);
    });
    expect(verdict.outcome).toBe('violated');
    expect(failed(verdict)).toEqual(['dropped']);
    expect(findings(verdict)).toContain('all of its twins had consented');
  });

  it('that left a report out for want of room, where there was room, is shown to', async () => {
    const verdict = await verdictOf(round(0), (told) => {
      told.records.contributions[0]!.disposition = 'head-room';
      agree(told);
    });
    expect(failed(verdict)).toEqual(['dropped']);
  });

  it('that is not made of the reports shown is refused', async () => {
    const cases: ((told: Lie) => void)[] = [
      ({ records }) => void records.contributions.pop(),
      ({ records }) => records.contributions.push(structuredClone(records.contributions[0]!)),
      ({ records }) => void (records.contributions[0]!.disposition = 'helper-refused'),
      ({ body }) => void (body<SetCommit>('set-commit').merkleRoot = bytesToBase64Url(randomBytes(32))),
      ({ body }) => void (body<SetCommit>('set-commit').twins += 1),
      ({ body }) => void (body<SetCommit>('set-commit').count += 1),
      ({ body }) => void (body<SetCommit>('set-commit').dropped = [{ reason: 'head-room', count: 1 }]),
      ({ body }) => void (body<RoundResult>('round-result').count -= 1),
      ({ body }) => void (body<RoundResult>('round-result').scHash = bytesToBase64Url(randomBytes(32))),
    ];
    for (const change of cases) {
      const verdict = await verdictOf(round(0), change);
      expect(verdict.outcome).toBe('refused');
      expect(failed(verdict)).toContain('sets');
    }
  });

  it('that says it read consent at another size of the log is refused: before a withdrawal, or after a grant to come', async () => {
    for (const by of [-1, 1, -3]) {
      const verdict = await verdictOf(round(1), (told) => {
        told.body<SetCommit>('set-commit').consent.size += by;
        agree(told);
      });
      expect(failed(verdict)).toContain('sets');
      expect(findings(verdict)).toContain('another size of the log');
    }
  });

  it('decided under rules that nobody knows is refused', async () => {
    const verdict = await verdictOf(round(0), (told) => {
      told.body<SetCommit>('set-commit').consent.policy = `sha-256:${'A'.repeat(43)}`;
      agree(told);
    });
    expect(failed(verdict)).toEqual(['rules']);
  });
});

describe('a report', () => {
  it('that no device signed, or for another round, or with other members, is refused', async () => {
    const other = await made.take(round(1));
    const cases: [(told: Lie) => void | Promise<void>, CheckId][] = [
      [
        ({ records }) =>
          void (records.contributions[0]!.signed!.signature = records.contributions[1]!.signed!.signature),
        'reports',
      ],
      [
        async (told) => {
          await lie(made, other, ({ records }) => {
            const [foreign] = records.contributions;
            told.records.contributions[0] = { ...foreign!, rcHash: made.rounds[0] };
          });
          agree(told);
        },
        'reports',
      ],
      [
        ({ records }) => {
          const { members } = records.contributions[0]!;
          const everybody = made.nodes.flatMap(({ twins }) => twins);
          members[0]!.subject = everybody.find((other) => !members.some(({ subject }) => subject === other))!;
        },
        'members',
      ],
      [
        ({ records }) =>
          void (records.contributions[0]!.members[0]!.salt = bytesToBase64Url(randomBytes(16))),
        'members',
      ],
      [
        ({ records }) =>
          void records.contributions.find(({ members }) => members.length > 1)!.members.reverse(),
        'members',
      ],
      [
        ({ records }) => {
          const leaves = base64UrlToBytes(records.contributions[0]!.leaves);
          records.contributions[0]!.leaves = bytesToBase64Url(
            concatBytes(leaves.subarray(0, leaves.length - 32), randomBytes(32)),
          );
        },
        'members',
      ],
      [
        ({ records }) => {
          records.contributions[0]!.leaves = bytesToBase64Url(
            base64UrlToBytes(records.contributions[0]!.leaves).slice(32),
          );
        },
        'members',
      ],
    ];
    for (const [place, [change, id]] of cases.entries()) {
      const verdict = await verdictOf(round(0), change);
      expect(verdict.outcome, `case ${place}`).toBe('refused');
      expect(failed(verdict)).toContain(id);
    }
  });
});

describe('a report that its device signed wrongly', () => {
  it('is refused: under papers of another key, for more than they allow, members out of order', async () => {
    const node = made.nodes[1]!;
    const config = await configOf();
    const { report } = await reportOf(node, config, made.rounds[0]);
    const parts = takeApart(report.bytes);
    const { key } = node.device;
    const swapped = concatBytes(
      parts.members.subarray(32, 64),
      parts.members.subarray(0, 32),
      parts.members.subarray(64),
    );
    const small = await createDevice(made.world.parties, { maxTwins: 1, sub: node.device.sub, key });
    const cases: [Parts, CheckId, string][] = [
      [
        await withFields(parts, { credential: made.nodes[2]!.device.jwt }, key),
        'reports',
        'names another key',
      ],
      [await withFields(parts, { credential: small.jwt }, key), 'reports', 'does not allow'],
      [
        await withFields({ ...parts, members: swapped }, { membersRoot: membersRoot(swapped) }, key),
        'members',
        'out of order',
      ],
    ];
    for (const [wrong, id, why] of cases) {
      const verdict = await verdictOf(round(0), (told) => {
        const place = told.records.contributions.findIndex(
          ({ members }) => members.length === 3 && members.some(({ subject }) => subject === node.twins[0]),
        );
        told.records.contributions[place] = contributionOf(wrong);
        agree(told);
      });
      expect(verdict.outcome).toBe('refused');
      expect(failed(verdict)).toContain(id);
      expect(findings(verdict)).toContain(why);
    }
  });

  async function configOf(): Promise<RoundConfig> {
    const { records } = readPack(await made.take(round(0)), made.world.parties.trust.coordinator.key);
    const entry = records.entries.find(
      ({ body }) => typeof body !== 'string' && body.type === 'round-config',
    );
    return (entry!.body as Statement<RoundConfig>).body;
  }
});

describe('a round', () => {
  it('that too few helpers signed, or of a task that is not there, is refused', async () => {
    const alone = await verdictOf(round(0), ({ entry }) => {
      const config = entry('round-config').body as Statement<RoundConfig>;
      config.signatures = config.signatures.slice(0, 2);
    });
    expect(failed(alone)).toEqual(['configurations']);
    const nowhere = await verdictOf(round(0), ({ records, entry }) => {
      records.entries = records.entries.filter((each) => each !== entry('task'));
    });
    expect(failed(nowhere)).toContain('configurations');
  });
});

describe('a consent', () => {
  const consents = ({ records }: Lie): EvidenceEntry[] =>
    records.entries.filter(({ body }) => typeof body === 'string');

  it('kept back from the end of a history is found by whoever holds its receipt, and by nobody else', async () => {
    const { jws, receipt } = made.withdrawn;
    const target = { kind: 'round', rcHash: made.rounds[1] } as const;
    const withdrawal = (told: Lie): void => {
      told.records.entries = told.records.entries.filter(({ index }) => index !== receipt.index);
      for (const contribution of told.records.contributions) contribution.disposition = 'in-set';
      agree(told);
    };
    expect((await verdictOf(target, withdrawal)).outcome).toBe('verified');
    const seen = await verdictOf(target, withdrawal, { receipts: [{ jws, receipt }] });
    expect(seen.outcome).toBe('refused');
    expect(failed(seen)).toEqual(['receipts']);
    expect(findings(seen)).toContain('keeps it back');
    const told = await verdictOf(target, () => undefined, { receipts: [{ jws, receipt }] });
    expect(told.checks.find(({ id }) => id === 'receipts')).toMatchObject({ status: 'passed', count: 1 });
  });

  it('is found to be kept back also where the pack has none of its customer, and not where it came later', async () => {
    const { subject, jws, receipt } = made.withdrawn;
    const none = await verdictOf(
      { kind: 'subject', subject },
      ({ records }) =>
        void (records.entries = records.entries.filter(({ body }) => typeof body !== 'string')),
      { receipts: [{ jws, receipt }] },
    );
    expect(none.outcome).toBe('refused');
    expect(failed(none)).toContain('receipts');
    const earlier = await verdictOf(round(0), () => undefined, { receipts: [{ jws, receipt }] });
    expect(earlier.outcome).toBe('verified');
    expect(earlier.checks.find(({ id }) => id === 'receipts')?.status).toBe('open');
    const forged = { ...receipt, index: receipt.index - 1 };
    const nothing = await verdictOf(round(1), () => undefined, { receipts: [{ jws, receipt: forged }] });
    expect(nothing.outcome).toBe('verified');
    expect(JSON.stringify(nothing.checks)).toContain('it shows nothing');
  });

  it('of another customer has no place in a pack about one', async () => {
    const { records } = readPack(await made.take(round(0)), made.world.parties.trust.coordinator.key);
    const subject = made.nodes[1]!.twins[0]!;
    const verdict = await verdictOf({ kind: 'subject', subject }, (told) => {
      const own = new Set(told.records.entries.map(({ index }) => index));
      told.records.entries.push(
        records.entries.find(({ index, body }) => typeof body === 'string' && !own.has(index))!,
      );
      told.records.speakers.push(...records.speakers);
    });
    expect(failed(verdict)).toEqual(['consents']);
    expect(findings(verdict)).toContain('another customer');
  });

  it('that cannot follow what is in the log is nothing to rest on', async () => {
    const device = await createDevice(made.world.parties, { maxTwins: 1 });
    const person = { device, party: 'https://own.test', twins: [device.sub], events: new Map() };
    await made.world.sendConsents(person, [
      (await consentOf(person, device.sub, 'grant', { by: 'subject' })).jws,
    ]);
    const target: EvidenceTarget = { kind: 'subject', subject: device.sub };
    const again = (await consentOf(person, device.sub, 'grant', { by: 'subject', prev: null, seq: 1 })).jws;
    const verdict = await verdictOf(target, ({ records }) => {
      // Twice the same counter, in a log that the liar wrote anew: the place of some other entry is taken.
      const [grant] = records.entries.filter(({ body }) => typeof body === 'string');
      records.entries.push({ ...structuredClone(grant!), index: grant!.index - 1, body: again });
    });
    expect(verdict.outcome).toBe('refused');
    expect(failed(verdict)).toContain('histories');
  });

  it('kept back from the middle of a history is missed by the one after it', async () => {
    const device = await createDevice(made.world.parties, { maxTwins: 1 });
    const person = { device, party: 'https://own.test', twins: [device.sub], events: new Map() };
    for (const type of ['grant', 'withdraw', 'grant'] as const)
      await made.world.sendConsents(person, [
        (await consentOf(person, device.sub, type, { by: 'subject' })).jws,
      ]);
    const target: EvidenceTarget = { kind: 'subject', subject: device.sub };
    expect((await verdictOf(target, () => undefined)).outcome).toBe('verified');
    const verdict = await verdictOf(target, (told) => {
      const middle = consents(told)[1]!;
      told.records.entries = told.records.entries.filter((entry) => entry !== middle);
    });
    expect(verdict.outcome).toBe('refused');
    expect(failed(verdict)).toEqual(['histories']);
    expect(findings(verdict)).toContain('one was kept back');
  });

  it('that nobody gave is refused: signed by the coordinator, by a stranger, or under papers of its own', async () => {
    const node = made.nodes[3]!;
    const [target] = [round(1)];
    const { trust, key } = made.world.parties;
    const coordinatorKey = await importSigningKey(key);
    const stranger = await createSigningKey();
    const grant = async (signer: typeof stranger, by: 'subject' | 'collector'): Promise<string> =>
      (
        await consentOf(
          { ...node, device: { ...node.device, key: signer }, events: new Map(node.events) },
          made.withdrawn.subject,
          'grant',
          { by, seq: 3 },
        )
      ).jws;
    const papers = (signer: typeof stranger): Promise<string> =>
      issueCredential(
        { sub: made.withdrawn.subject, devicePublicKey: signer.publicKey, maxTwins: 1, scope: 'device' },
        { id: trust.issuer.id, key: coordinatorKey },
        trust.coordinator.id,
        new Date(),
        3_600,
      );
    const signed = {
      byItself: await grant(coordinatorKey, 'collector'),
      byStranger: await grant(stranger, 'subject'),
    };
    const forge = (jws: string) => (told: Lie) => {
      // In place of the withdrawal: the log is the liar's own.
      const entry = told.records.entries.find(({ index }) => index === made.withdrawn.receipt.index)!;
      entry.body = jws;
      for (const contribution of told.records.contributions) contribution.disposition = 'in-set';
      agree(told);
    };
    const own = await verdictOf(target!, forge(signed.byItself));
    expect(failed(own)).toContain('consents');
    const strange = await verdictOf(target!, forge(signed.byStranger));
    expect(failed(strange)).toContain('consents');
    const credential = await papers(stranger);
    const forgedPapers = await verdictOf(target!, (told) => {
      forge(signed.byStranger)(told);
      told.records.speakers.push({ key: stranger.id, credential });
    });
    expect(failed(forgedPapers)).toEqual(expect.arrayContaining(['speakers', 'consents']));
    const stolen = await verdictOf(target!, (told) => {
      forge(signed.byStranger)(told);
      told.records.speakers.push({ key: stranger.id, credential: told.records.speakers[0]!.credential });
    });
    expect(failed(stolen)).toEqual(expect.arrayContaining(['speakers', 'consents']));
  });
});

describe('a model and its rounds', () => {
  it('of another model prove nothing about the one that was asked for', async () => {
    const subject = made.nodes[1]!.twins[0]!;
    const target: EvidenceTarget = { kind: 'subject-model', subject, model: made.model };
    const cases: ((told: Lie) => void)[] = [
      (told) => void (told.target = { ...target, model: bytesToBase64Url(randomBytes(32)) }),
      // A round left out, which the customer might have been in.
      (told) => {
        const keep = ({ body }: EvidenceEntry): boolean =>
          typeof body === 'string' || !JSON.stringify(body).includes(made.rounds[0]);
        told.records.entries = told.records.entries.filter(
          (entry) => keep(entry) && !JSON.stringify(entry.body).includes('"round":1,'),
        );
        told.records.contributions = told.records.contributions.filter(
          ({ rcHash }) => rcHash !== made.rounds[0],
        );
      },
    ];
    for (const change of cases) {
      const verdict = await verdictOf(target, change);
      expect(verdict.outcome).toBe('refused');
      expect(failed(verdict)).toContain('chain');
    }
  });

  it('a customer who was in a set is not to be shown as absent', async () => {
    const target: EvidenceTarget = {
      kind: 'subject-model',
      subject: made.nodes[1]!.twins[0]!,
      model: made.model,
    };
    const verdict = await verdictOf(target, ({ records }) => {
      for (const contribution of records.contributions)
        Object.assign(contribution, { signed: null, leaves: '', members: [] });
    });
    expect(verdict.subject.map(({ part }) => part)).toEqual(['unknown', 'unknown']);
    expect(verdict.words[0]).toBe('No contribution of this customer to this model is shown.');
  });
});

describe('a true pack', () => {
  it('about another round is not what was asked for', async () => {
    const pack = await made.take(round(0));
    const verdict = await verifyPack(pack, made.world.parties.trust, { expect: round(1) });
    expect(verdict.outcome).toBe('refused');
    expect(findings(verdict)).toContain('something else than was asked for');
  });

  it('of another coordinator, or of a log that is not the pinned one, is refused', async () => {
    const { trust } = made.world.parties;
    const pack = await made.take(round(0));
    const key = (await createSigningKey()).id;
    const foreign = await verifyPack(pack, { ...trust, coordinator: { ...trust.coordinator, key } });
    expect(findings(foreign)).toContain('another coordinator');
    const other = await createEvidenceWorld();
    try {
      const log = await verifyPack(pack, { ...trust, log: other.world.parties.trust.log });
      expect(failed(log)).toEqual(['checkpoint']);
      const issuer = await verifyPack(pack, { ...trust, issuer: other.world.parties.trust.issuer });
      expect(failed(issuer)).toEqual(expect.arrayContaining(['speakers', 'reports']));
      const helpers = await verifyPack(pack, { ...trust, helpers: other.world.parties.trust.helpers });
      expect(failed(helpers)).toContain('configurations');
    } finally {
      await other.world.stop();
    }
  });

  it('under a checkpoint from before its entries, or without the witnesses that the reader demands, is refused', async () => {
    const { trust } = made.world.parties;
    const target = round(1);
    const old = await lie(made, await made.take(target), () => undefined);
    const { rows } = await made.world.sql.query<{ leaf: Buffer }>(
      'select leaf from log_leaves order by leaf_index limit 20',
    );
    const log = createLog({
      store: createMemoryLogStore(createMemoryLogState()),
      signer: createSigner(base64UrlToBytes(made.world.parties.logKey.d)),
      origin: ORIGIN,
    });
    const { head } = await log.append(rows.map(({ leaf }) => new Uint8Array(leaf)));
    const key = await importSigningKey(made.world.parties.key);
    const { manifest, records } = readPack(await made.take(target), trust.coordinator.key);
    const aged = await sealPack(
      { target, records: { ...records, checkpoint: { note: head.note } } },
      manifest,
      key,
    );
    const before = await verifyPack(aged, trust);
    expect(before.outcome).toBe('refused');
    expect(failed(before)).toContain('inclusion');
    const witness = await createSigningKey();
    const name = 'witness.test/one';
    const vkey = noteKeyToVkey(createNoteKey(name, witness.publicKey, 'cosignature'));
    const unwitnessed = await verifyPack(old, {
      ...trust,
      witnesses: { threshold: 1, witnesses: [{ name, operator: 'Somebody else', vkey }] },
    });
    expect(failed(unwitnessed)).toEqual(['witnesses']);
  });
});

describe('an erased customer', () => {
  it('stays a leaf that nobody can open, and the replay says so', async () => {
    const db = openDatabase(made.world.databaseUrl, () => undefined);
    const subject = made.nodes[2]!.twins[1]!;
    try {
      const vault = await openVault(db, made.world.parties.vaultKey, randomBytes);
      await db.transaction().execute((tx) => vault.erase(tx, subject, Date.now()));
    } finally {
      await db.destroy();
    }
    const pack = await made.take(round(0));
    expect(new TextDecoder().decode(pack)).not.toContain(subject);
    const verdict = await verifyPack(pack, made.world.parties.trust, { expect: round(0) });
    expect(verdict.outcome).toBe('verified');
    expect(verdict.rounds[0]!.twins).toEqual({
      inSet: 13,
      replayed: 12,
      allowed: 12,
      erased: 1,
      undisclosed: 0,
    });
    expect(verdict.checks.find(({ id }) => id === 'gate')).toMatchObject({ status: 'open', open: 1 });
    expect(verdict.words.at(-1)).toMatch(/^1 twin cannot be replayed/);
    expect(await made.ask({ kind: 'subject', subject })).toMatchObject({ code: 'evidence/unknown' });
  });
});
