/**
 * What every `TwinStore` does, whatever lies below it. An adapter's test calls this with a `setup` that opens an empty store,
 * and opens the same storage a second time, as another process or a restart would.
 */
import type { Role, TwinStore } from '@twinkeep/edge-client/fleet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  admitted,
  ALICE,
  BOB,
  bytes,
  CAROL,
  consentId,
  count,
  countFold,
  DAY,
  keptEvents,
  keptIds,
  neverFold,
  NOW,
  report,
} from './twin-store-fixtures.ts';

export interface StoreSetup {
  store: TwinStore;
  /** Another handle on the same storage: what it reads was durable. */
  reopen(): Promise<TwinStore>;
  close(): Promise<void>;
}

export function twinStoreContract(name: string, setup: () => Promise<StoreSetup>): void {
  describe(`twin store: ${name}`, () => {
    let opened: StoreSetup;
    let store: TwinStore;

    beforeEach(async () => {
      opened = await setup();
      store = opened.store;
      await store.addTwin(ALICE, ['crm:1', 'card:9']);
      await store.addTwin(BOB, []);
    });
    afterEach(() => opened.close());

    describe('twins', () => {
      it('finds a twin by each of its bindings, also after a restart', async () => {
        const again = await opened.reopen();
        for (const handle of [store, again]) {
          expect(await handle.findTwin('crm:1')).toBe(ALICE);
          expect(await handle.findTwin('card:9')).toBe(ALICE);
          expect(await handle.findTwin('crm:2')).toBeNull();
        }
      });

      it('refuses a twin that is there, and a binding of another twin, and keeps nothing of them', async () => {
        await expect(store.addTwin(ALICE, ['crm:3'])).rejects.toMatchObject({ code: 'store/twin-exists' });
        await expect(store.addTwin(CAROL, ['crm:4', 'crm:1'])).rejects.toMatchObject({
          code: 'store/binding-taken',
        });
        expect(await store.findTwin('crm:3')).toBeNull();
        expect(await store.findTwin('crm:4')).toBeNull();
        expect(await store.listTwins(null, 10)).toEqual([ALICE, BOB]);
      });

      it('lists subjects in pages, ascending', async () => {
        await store.addTwin(CAROL, []);
        expect(await store.listTwins(null, 2)).toEqual([ALICE, BOB]);
        expect(await store.listTwins(BOB, 2)).toEqual([CAROL]);
        expect(await store.listTwins(CAROL, 2)).toEqual([]);
      });

      it('reads twins in the order asked and leaves unknown ones out', async () => {
        const read = await store.readTwins([BOB, CAROL, ALICE]);
        expect(read).toEqual([
          { subject: BOB, features: null, consents: [] },
          { subject: ALICE, features: null, consents: [] },
        ]);
      });

      it('erases everything of a deleted twin, and nothing of another', async () => {
        await store.recordEvents(ALICE, [admitted(ALICE, 'e1')], countFold);
        await store.recordEvents(BOB, [admitted(BOB, 'e1')], countFold);
        await store.appendConsents(ALICE, 0, [{ id: consentId(1), jws: 'a.b.c' }]);
        await store.drawRoles('task', [ALICE], () => 'hold-out');
        await store.deleteTwin(ALICE);
        await store.deleteTwin(ALICE);

        for (const handle of [store, await opened.reopen()]) {
          expect(await handle.findTwin('crm:1')).toBeNull();
          expect(await handle.listTwins(null, 10)).toEqual([BOB]);
          expect(await handle.readTwins([ALICE])).toEqual([]);
          expect(await handle.pendingConsents(10)).toEqual([]);
          expect(await handle.drawRoles('task', [ALICE], () => 'train')).toEqual(new Map());
          await expect(handle.recordEvents(ALICE, [admitted(ALICE, 'e2')], countFold)).rejects.toMatchObject({
            code: 'store/unknown-twin',
          });
          await expect(handle.refoldEvents(ALICE, [], () => bytes(0))).rejects.toMatchObject({
            code: 'store/unknown-twin',
          });
          await expect(handle.appendConsents(ALICE, 1, [])).rejects.toMatchObject({
            code: 'store/unknown-twin',
          });
        }
        expect(count((await store.readTwins([BOB]))[0]?.features)).toBe(1);
        await store.addTwin(CAROL, ['crm:1']);
        expect(await store.findTwin('crm:1')).toBe(CAROL);
      });

      it('forgets the events of a twin that is deleted and added again', async () => {
        await store.recordEvents(ALICE, [admitted(ALICE, 'e1')], countFold);
        await store.deleteTwin(ALICE);
        await store.addTwin(ALICE, []);
        expect(await keptIds(store, ALICE)).toEqual([]);
        expect(await store.recordEvents(ALICE, [admitted(ALICE, 'e1')], countFold)).toBe(1);
      });
    });

    describe('events', () => {
      it('folds fresh events once, also after a restart, and never one that it has', async () => {
        const [one, two, three] = ['e1', 'e2', 'e3'].map((id) => admitted(ALICE, id)) as [
          ReturnType<typeof admitted>,
          ReturnType<typeof admitted>,
          ReturnType<typeof admitted>,
        ];
        expect(await store.recordEvents(ALICE, [one, two, one], countFold)).toBe(2);
        const again = await opened.reopen();
        expect(await again.recordEvents(ALICE, [two, three], countFold)).toBe(1);
        expect(await again.recordEvents(ALICE, [one, two, three], neverFold)).toBe(0);
        expect(count((await again.readTwins([ALICE]))[0]?.features)).toBe(3);
        expect(await keptIds(again, ALICE)).toEqual(['e1', 'e2', 'e3']);
      });

      it('of two events with one id keeps the first', async () => {
        await store.recordEvents(ALICE, [admitted(ALICE, 'e1', { amount: 1 })], countFold);
        await store.recordEvents(ALICE, [admitted(ALICE, 'e1', { amount: 2 })], countFold);
        const kept = await keptEvents(store, ALICE);
        expect(kept.map(({ data }) => data)).toEqual([{ amount: 1 }]);
      });

      it('gives back the event as it was', async () => {
        const event = admitted(ALICE, 'e1', { text: 'zażółć \u0000 🦊', number: 0.1 + 0.2, flag: false });
        await store.recordEvents(ALICE, [event], countFold);
        expect(await keptEvents(await opened.reopen(), ALICE)).toEqual([event.event]);
      });

      it('keeps equal ids of two twins apart', async () => {
        await store.recordEvents(ALICE, [admitted(ALICE, 'e1')], countFold);
        expect(await store.recordEvents(BOB, [admitted(BOB, 'e1')], countFold)).toBe(1);
      });

      it('refuses events that were admitted for another subject, as a whole', async () => {
        const mixed = [admitted(ALICE, 'e1'), admitted(BOB, 'e2')];
        await expect(store.recordEvents(ALICE, mixed, countFold)).rejects.toMatchObject({
          code: 'store/foreign-event',
        });
        expect(await keptIds(store, ALICE)).toEqual([]);
      });

      it('keeps neither events nor features where the fold throws', async () => {
        await store.recordEvents(ALICE, [admitted(ALICE, 'e1')], countFold);
        const failing = store.recordEvents(ALICE, [admitted(ALICE, 'e2')], () => {
          throw new RangeError('no');
        });
        await expect(failing).rejects.toThrow('no');
        expect(await keptIds(store, ALICE)).toEqual(['e1']);
        expect(count((await store.readTwins([ALICE]))[0]?.features)).toBe(1);
      });

      it('loses no event of writers that run at the same time', async () => {
        const other = await opened.reopen();
        const ids = Array.from({ length: 24 }, (_, i) => `e${String(i).padStart(2, '0')}`);
        await Promise.all(
          ids.map((id, i) => (i % 2 ? store : other).recordEvents(ALICE, [admitted(ALICE, id)], countFold)),
        );
        expect(count((await store.readTwins([ALICE]))[0]?.features)).toBe(ids.length);
        expect(await keptIds(store, ALICE)).toEqual(ids);
      });

      it('refolds what it has kept, and forgets categories on request', async () => {
        const events = [
          admitted(ALICE, 'e1', {}, 'behavioral'),
          admitted(ALICE, 'e2', {}, 'feedback'),
          admitted(ALICE, 'e3', {}, 'behavioral'),
        ];
        await store.recordEvents(ALICE, events, countFold);
        await store.refoldEvents(ALICE, ['behavioral'], (kept) => bytes(10 + kept.length));
        const again = await opened.reopen();
        expect(count((await again.readTwins([ALICE]))[0]?.features)).toBe(11);
        expect(await keptIds(again, ALICE)).toEqual(['e2']);
      });

      it('deletes events after their last day and leaves features alone', async () => {
        const today = Math.floor(NOW / DAY);
        const old = admitted(ALICE, 'e1', {}, 'behavioral', NOW - 30 * DAY);
        expect(old.lastDay).toBe(today);
        await store.recordEvents(ALICE, [old, admitted(ALICE, 'e2')], countFold);
        await store.recordEvents(BOB, [admitted(BOB, 'e1', {}, 'behavioral', NOW - 30 * DAY)], countFold);

        expect(await store.expireEvents(today)).toBe(0);
        expect(await store.expireEvents(today + 1)).toBe(2);
        const again = await opened.reopen();
        expect(count((await again.readTwins([ALICE]))[0]?.features)).toBe(2);
        expect(await keptIds(again, ALICE)).toEqual(['e2']);
        expect(await keptIds(again, BOB)).toEqual([]);
      });
    });

    describe('consents', () => {
      it('keeps the chain in order and refuses a writer who had not read its end', async () => {
        await store.appendConsents(ALICE, 0, [
          { id: consentId(1), jws: 'a.1.c' },
          { id: consentId(2), jws: 'a.2.c' },
        ]);
        const again = await opened.reopen();
        await again.appendConsents(ALICE, 2, [{ id: consentId(3), jws: 'a.3.c' }]);
        await expect(
          store.appendConsents(ALICE, 2, [{ id: consentId(4), jws: 'a.4.c' }]),
        ).rejects.toMatchObject({ code: 'store/conflict' });
        const [twin] = await again.readTwins([ALICE]);
        expect(twin?.consents).toEqual(
          [1, 2, 3].map((n) => ({ id: consentId(n), jws: `a.${n}.c`, receipt: null })),
        );
      });

      it('lets one of two writers append at the same place', async () => {
        const other = await opened.reopen();
        const outcomes = await Promise.allSettled([
          store.appendConsents(ALICE, 0, [{ id: consentId(1), jws: 'a.1.c' }]),
          other.appendConsents(ALICE, 0, [{ id: consentId(2), jws: 'a.2.c' }]),
        ]);
        expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
        expect((await store.readTwins([ALICE]))[0]?.consents).toHaveLength(1);
      });

      it('lists consents until their receipt is there, each chain from its oldest', async () => {
        await store.appendConsents(
          ALICE,
          0,
          [1, 2, 3].map((n) => ({ id: consentId(n), jws: `a.${n}.c` })),
        );
        await store.appendConsents(BOB, 0, [{ id: consentId(9), jws: 'b.9.c' }]);
        const receipt = { event: consentId(1), index: 7, leaf: 'bGVhZg', salt: 'c2FsdA', proof: 'a proof' };
        await store.addReceipts([receipt, { ...receipt, event: consentId(8) }]);
        await store.addReceipts([{ ...receipt, index: 8 }]);

        const again = await opened.reopen();
        const pending = await again.pendingConsents(10);
        expect(pending.filter(({ subject }) => subject === ALICE)).toEqual([
          { subject: ALICE, id: consentId(2), jws: 'a.2.c' },
          { subject: ALICE, id: consentId(3), jws: 'a.3.c' },
        ]);
        expect(pending.filter(({ subject }) => subject === BOB)).toHaveLength(1);
        const limited = await again.pendingConsents(2);
        expect(limited).toHaveLength(2);
        const ids = limited.map(({ id }) => id);
        expect(ids.includes(consentId(3)) && !ids.includes(consentId(2))).toBe(false);
        const [twin] = await again.readTwins([ALICE]);
        expect(twin?.consents[0]?.receipt).toEqual({
          index: 7,
          leaf: 'bGVhZg',
          salt: 'c2FsdA',
          proof: 'a proof',
        });
      });
    });

    describe('roles', () => {
      it('draws each role once, per task, for ever', async () => {
        const drawn: Role[] = ['train', 'hold-out', 'train'];
        const draw = (): Role => drawn.shift() ?? 'hold-out';
        const first = await store.drawRoles('task-a', [ALICE, CAROL, BOB], draw);
        expect([...first.keys()].sort()).toEqual([ALICE, BOB]);
        expect([...first.values()].sort()).toEqual(['hold-out', 'train']);
        const again = await (
          await opened.reopen()
        ).drawRoles('task-a', [ALICE, BOB], () => {
          throw new RangeError('drawn twice');
        });
        expect(again).toEqual(first);
        const other = await store.drawRoles('task-b', [ALICE], () =>
          first.get(ALICE) === 'train' ? 'hold-out' : 'train',
        );
        expect(other.get(ALICE)).not.toBe(first.get(ALICE));
      });

      it('gives two callers who draw at the same time the same roles', async () => {
        const other = await opened.reopen();
        const [a, b] = await Promise.all([
          store.drawRoles('task', [ALICE, BOB], () => 'train'),
          other.drawRoles('task', [ALICE, BOB], () => 'hold-out'),
        ]);
        expect(a).toEqual(b);
      });
    });

    describe('checkpoint', () => {
      it('moves by compare-and-swap', async () => {
        expect(await store.readCheckpoint()).toBeNull();
        await store.saveCheckpoint(null, 'one');
        const again = await opened.reopen();
        expect(await again.readCheckpoint()).toBe('one');
        await expect(again.saveCheckpoint(null, 'two')).rejects.toMatchObject({ code: 'store/conflict' });
        await again.saveCheckpoint('one', 'two');
        await expect(store.saveCheckpoint('one', 'three')).rejects.toMatchObject({ code: 'store/conflict' });
        expect(await store.readCheckpoint()).toBe('two');
      });

      it('lets one of two first writers win', async () => {
        const other = await opened.reopen();
        const outcomes = await Promise.allSettled([
          store.saveCheckpoint(null, 'one'),
          other.saveCheckpoint(null, 'two'),
        ]);
        expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      });
    });

    describe('reports', () => {
      it('keeps the bytes until the outcome is known', async () => {
        await store.addReport(report({ round: 1 }));
        const again = await opened.reopen();
        expect(await again.readReports('task')).toEqual([{ ...report({ round: 1 }), outcome: 'pending' }]);
        await again.settleReport('rc-1', 'accepted');
        await again.settleReport('rc-unknown', 'refused');
        const { bytes: _, ...rest } = report({ round: 1 });
        expect(await store.readReports('task')).toEqual([{ ...rest, bytes: null, outcome: 'accepted' }]);
        expect(await store.readReports('other')).toEqual([]);
      });

      it('lists the newest round first', async () => {
        for (const round of [2, 10, 9]) await store.addReport(report({ round, modelHash: `model-${round}` }));
        expect((await store.readReports('task')).map(({ round }) => round)).toEqual([10, 9, 2]);
      });

      it('refuses a second report of a round, whatever became of the first', async () => {
        await store.addReport(report({ round: 1 }));
        for (const outcome of ['accepted', 'refused', 'released', 'counted'] as const) {
          await store.settleReport('rc-1', outcome);
          await expect(
            store.addReport(report({ round: 1, rcHash: 'rc-other', modelHash: 'model-other' })),
          ).rejects.toMatchObject({ code: 'store/reported' });
        }
      });

      it('refuses a second report on a model until the first round is known to be abandoned', async () => {
        await store.addReport(report({ round: 1 }));
        for (const outcome of [null, 'accepted', 'refused'] as const) {
          if (outcome !== null) await store.settleReport('rc-1', outcome);
          await expect(store.addReport(report({ round: 2 }))).rejects.toMatchObject({
            code: 'store/reported',
          });
        }
        await store.addReport(report({ round: 2, kind: 'evaluate' }));
        await store.addReport({ ...report({ round: 1 }), taskId: 'other', rcHash: 'rc-of-other' });
        await store.settleReport('rc-1', 'released');
        await store.addReport(report({ round: 3 }));
        await expect(store.addReport(report({ round: 4 }))).rejects.toMatchObject({ code: 'store/reported' });
      });

      it('takes a second report on a model where the first is counted, and keeps both', async () => {
        await store.addReport(report({ round: 1 }));
        await store.settleReport('rc-1', 'counted');
        await store.addReport(report({ round: 2 }));
        await expect(store.addReport(report({ round: 3 }))).rejects.toMatchObject({ code: 'store/reported' });
        const again = await opened.reopen();
        expect((await again.readReports('task')).map(({ outcome }) => outcome)).toEqual([
          'pending',
          'counted',
        ]);
      });

      it('lets one of two concurrent reports of a round through', async () => {
        const other = await opened.reopen();
        const outcomes = await Promise.allSettled([
          store.addReport(report({ round: 1, rcHash: 'rc-a' })),
          other.addReport(report({ round: 1, rcHash: 'rc-b' })),
        ]);
        expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
        expect(await store.readReports('task')).toHaveLength(1);
      });

      it('lets one of two concurrent reports on a model through', async () => {
        const other = await opened.reopen();
        const outcomes = await Promise.allSettled([
          store.addReport(report({ round: 1 })),
          other.addReport(report({ round: 2 })),
        ]);
        expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      });
    });
  });
}
