/** The shortest true implementation of the port: the contract suite is tried on it, and tests of other parts use it. */
import type { Category } from '@twinkeep/consent';
import type { CustomerEvent } from '@twinkeep/protocol';
import {
  StoreError,
  type AdmittedEvent,
  type ConsentEntry,
  type FeatureBytes,
  type NewReport,
  type ReportRecord,
  type Role,
  type StoredTwin,
  type TwinStore,
} from '@twinkeep/edge-client/fleet';

interface Twin {
  bindings: string[];
  events: Map<string, AdmittedEvent>;
  features: FeatureBytes | null;
  consents: ConsentEntry[];
  roles: Map<string, Role>;
}

export function createMemoryTwinStore(): TwinStore {
  const twins = new Map<string, Twin>();
  let reports: ReportRecord[] = [];
  let checkpoint: string | null = null;

  const twinOf = (subject: string): Twin => {
    const twin = twins.get(subject);
    if (twin === undefined) throw new StoreError('store/unknown-twin', 'there is no such twin');
    return twin;
  };
  const holderOf = (binding: string): string | null =>
    [...twins].find(([, { bindings }]) => bindings.includes(binding))?.[0] ?? null;

  return {
    async addTwin(subject: string, bindings: readonly string[]) {
      if (twins.has(subject)) throw new StoreError('store/twin-exists', 'this twin is kept here already');
      if (bindings.some((binding) => holderOf(binding) !== null)) {
        throw new StoreError('store/binding-taken', 'a binding leads to another twin');
      }
      twins.set(subject, {
        bindings: [...bindings],
        events: new Map(),
        features: null,
        consents: [],
        roles: new Map(),
      });
    },
    findTwin: async (binding) => holderOf(binding),
    listTwins: async (after, limit) =>
      [...twins.keys()]
        .filter((subject) => after === null || subject > after)
        .sort()
        .slice(0, limit),
    readTwins: async (subjects) =>
      subjects.flatMap((subject): StoredTwin[] => {
        const twin = twins.get(subject);
        if (twin === undefined) return [];
        return [{ subject, features: twin.features, consents: structuredClone(twin.consents) }];
      }),
    async deleteTwin(subject) {
      twins.delete(subject);
    },
    async recordEvents(subject, events, fold) {
      const twin = twinOf(subject);
      if (events.some((admitted) => admitted.subject !== subject)) {
        throw new StoreError('store/foreign-event', 'an event was admitted for another subject');
      }
      const fresh = new Map<string, AdmittedEvent>();
      for (const admitted of events) {
        const { id } = admitted.event;
        if (!twin.events.has(id) && !fresh.has(id)) fresh.set(id, admitted);
      }
      if (fresh.size === 0) return 0;
      twin.features = fold(twin.features, [...fresh.values()]);
      for (const [id, admitted] of fresh) twin.events.set(id, admitted);
      return fresh.size;
    },
    async refoldEvents(
      subject: string,
      forget: readonly Category[],
      fold: (kept: readonly CustomerEvent[]) => FeatureBytes,
    ) {
      const twin = twinOf(subject);
      const kept = [...twin.events].filter(([, { event }]) => !forget.includes(event.category));
      twin.features = fold(kept.map(([, { event }]) => event));
      twin.events = new Map(kept);
    },
    async expireEvents(day) {
      let deleted = 0;
      for (const { events } of twins.values()) {
        for (const [id, { lastDay }] of events) {
          if (lastDay < day && events.delete(id)) deleted++;
        }
      }
      return deleted;
    },
    async appendConsents(subject, after, consents) {
      const twin = twinOf(subject);
      if (twin.consents.length !== after)
        throw new StoreError('store/conflict', 'the chain has another length');
      twin.consents.push(...consents.map(({ id, jws }) => ({ id, jws, receipt: null })));
    },
    pendingConsents: async (limit) =>
      [...twins]
        .flatMap(([subject, { consents }]) =>
          consents.filter(({ receipt }) => receipt === null).map(({ id, jws }) => ({ subject, id, jws })),
        )
        .slice(0, limit),
    async addReceipts(receipts) {
      const entries = new Map(
        [...twins.values()].flatMap(({ consents }) => consents.map((entry) => [entry.id, entry])),
      );
      for (const { event, ...receipt } of receipts) {
        const entry = entries.get(event);
        if (entry !== undefined) entry.receipt ??= receipt;
      }
    },
    async drawRoles(taskId, subjects, draw) {
      const roles = new Map<string, Role>();
      for (const subject of subjects) {
        const twin = twins.get(subject);
        if (twin === undefined) continue;
        const role = twin.roles.get(taskId) ?? draw();
        twin.roles.set(taskId, role);
        roles.set(subject, role);
      }
      return roles;
    },
    readCheckpoint: async () => checkpoint,
    async saveCheckpoint(previous, next) {
      if (checkpoint !== previous)
        throw new StoreError('store/conflict', 'another checkpoint was kept meanwhile');
      checkpoint = next;
    },
    async addReport(report: NewReport) {
      const clashes = reports.some(
        ({ taskId, round, modelHash, kind, outcome }) =>
          taskId === report.taskId &&
          (round === report.round ||
            (modelHash === report.modelHash &&
              kind === report.kind &&
              outcome !== 'released' &&
              outcome !== 'counted')),
      );
      if (clashes) throw new StoreError('store/reported', 'this round or this model was reported on before');
      reports.push({ ...report, bytes: report.bytes.slice(), outcome: 'pending' });
    },
    readReports: async (taskId) =>
      reports.filter((report) => report.taskId === taskId).sort((a, b) => b.round - a.round),
    async settleReport(rcHash, outcome) {
      reports = reports.map((report) =>
        report.rcHash === rcHash ? { ...report, outcome, bytes: null } : report,
      );
    },
  };
}
