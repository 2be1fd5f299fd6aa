/** What a person can do here. Each act is a question to the twin; what it answers is shown, said, and told to the host app. */
import type { Category, ExportParties, Operation } from '@twinkeep/consent';
import type { ConsentChange, ConsentReceiptView, Erasure, Refused, Twin } from '../twin/types.ts';
import {
  conditionCalls,
  grantCalls,
  groupKeys,
  refusalCalls,
  unconfirmed,
  withdrawalCalls,
  type Conditions,
} from './calls.ts';
import { NO_DRAFT, rowKey, withExplicit, withGroups, withLeaving } from './draft.ts';
import { exportFile, receiptFile, saveFile } from './files.ts';
import type { GroupName } from './groups.ts';
import type { PanelView, RowView } from './model.ts';
import { sayCategories, type Names } from './names.ts';
import type { PanelState, Watched } from './state.ts';
import type { ConsentElementEvents, Doing } from './types.ts';
import type { Language } from './words/language.ts';

export interface Acts {
  /** A switch: on is a choice yet to be accepted, off is a withdrawal at once. Without a group, the whole row. */
  toggle(row: RowView, on: boolean, group?: GroupName): void;
  toggleAll(rows: readonly RowView[], on: boolean): void;
  confirm(row: RowView, confirmed: boolean): void;
  accept(): void;
  refuse(): void;
  withdrawAll(): void;
  setConditions(conditions: Conditions): void;
  applyConditions(): void;
  download(receipt: ConsentReceiptView): void;
  export(): void;
  erase(): void;
  /** Tells the host app what was not done. */
  tell(doing: Doing, trouble: Refused<string>): void;
}

export interface ActsDeps {
  twin: Twin;
  watched: Watched;
  /** As it is shown now. */
  view: () => PanelView;
  language: () => Language;
  names: () => Names;
  parties: () => ExportParties | undefined;
  emit: Emit;
}

export type Emit = <Name extends keyof ConsentElementEvents>(
  name: Name,
  detail: ConsentElementEvents[Name],
) => void;

type Change = 'grant' | 'refuse' | 'withdraw';
type Call = { categories?: readonly Category[]; operations?: readonly Operation[] };

export function createActs({ twin, watched, view, language, names, parties, emit }: ActsDeps): Acts {
  const { state, set } = watched;
  const say = (text: string): void => set({ said: { text, again: state().said.again + 1 } });

  const tell = (doing: Doing, { reason, why, detail }: Refused<string>): void => {
    const told = language().why(reason, why);
    emit('twinkeep-consent-error', { doing, reason, why: told, ...(detail === undefined ? {} : { detail }) });
  };
  const fail = (doing: Doing, trouble: Refused<string>): void => {
    set({ trouble: { reason: trouble.reason, why: trouble.why } });
    tell(doing, trouble);
  };

  /** One after the other: a second click never overtakes, and no withdrawal is dropped because something else is under way. */
  let turn: Promise<void> = Promise.resolve();
  const inTurn = (doing: Doing, act: () => Promise<void>): void => {
    turn = turn
      .then(async () => {
        set({ busy: true, trouble: null });
        await act();
      })
      .catch((error: unknown) =>
        fail(doing, { reason: 'failed', why: language().words.failed, detail: String(error) }),
      )
      .then(() => set({ busy: false }));
  };

  /** The calls of one click: one that fails stops none of the others, and what was signed is told. */
  const change = async <C extends Call>(
    kind: Change,
    calls: readonly C[],
    call: (choice: C) => Promise<ConsentChange>,
    done: Partial<PanelState> = {},
  ): Promise<void> => {
    const events: string[] = [];
    const signed: { categories: readonly Category[]; operations: readonly Operation[] }[] = [];
    let failed = false;
    for (const choice of calls) {
      const answer = await call(choice);
      if ('reason' in answer) {
        failed = true;
        fail(kind, answer);
        continue;
      }
      events.push(...answer.events);
      if (answer.changed)
        signed.push({ categories: choice.categories ?? [], operations: choice.operations ?? [] });
    }
    if (!failed) set(done);
    await watched.read();
    const categories = [...new Set(signed.flatMap((each) => each.categories))];
    if (events.length > 0) emit('twinkeep-consent-change', { kind, categories, events });
    if (failed) return;
    const { said } = language().words;
    const listed = sayCategories(signed, names(), language());
    const sentence = { grant: said.accepted, refuse: said.refused, withdraw: said.withdrawn }[kind];
    say(events.length === 0 ? said.unchanged : sentence(listed));
  };

  const withdraw = (
    method: string,
    within?: Parameters<typeof withdrawalCalls>[2],
    ended: () => void = () => {},
  ): void =>
    inTurn('withdraw', () =>
      change('withdraw', withdrawalCalls(view(), method, within), (choice) =>
        twin.consent.withdraw(choice),
      ).finally(ended),
    );

  const erased = (erasure: Erasure): void => {
    if (erasure.erased === false) return fail('erase', erasure);
    set({ standing: 'erased', erasure, draft: NO_DRAFT, cells: [], receipts: [] });
    emit('twinkeep-consent-change', { kind: 'erase', erasure });
    say(language().words.said.erased);
  };

  return {
    tell,
    toggle(row, on, group) {
      const own = (name: GroupName): boolean => group === undefined || name === group;
      const groups = row.groups.filter(({ name }) => own(name));
      const keys = groupKeys({ ...row, groups });
      set({ draft: withGroups(state().draft, keys, on), unconfirmed: false });
      if (on || !groups.some(({ used }) => used)) return;
      set({ draft: withLeaving(state().draft, keys, true) });
      withdraw(
        'toggle',
        ({ name }, { key }) => key === row.key && own(name),
        () => set({ draft: withLeaving(state().draft, keys, false) }),
      );
    },
    toggleAll(rows, on) {
      set({ draft: withGroups(state().draft, rows.flatMap(groupKeys), on), unconfirmed: false });
    },
    confirm(row, confirmed) {
      set({ draft: withExplicit(state().draft, [rowKey(row)], confirmed), unconfirmed: false });
    },
    accept() {
      const shown = view();
      if (shown.chosen === 0) return say(language().words.said.chooseFirst);
      if (unconfirmed(shown, ({ chosen }) => chosen).length > 0) return set({ unconfirmed: true });
      const calls = grantCalls(shown, state().conditions);
      inTurn('grant', () =>
        change('grant', calls, (choice) => twin.consent.grant(choice), { draft: NO_DRAFT }),
      );
    },
    refuse() {
      set({ draft: NO_DRAFT, unconfirmed: false });
      inTurn('refuse', () => change('refuse', refusalCalls(view()), (choice) => twin.consent.refuse(choice)));
    },
    withdrawAll() {
      set({ draft: NO_DRAFT, unconfirmed: false });
      withdraw('button');
    },
    setConditions: (conditions) => set({ conditions }),
    applyConditions() {
      const shown = view();
      const renewing = new Set(unconfirmed(shown, ({ used }) => used).map(({ key }) => key));
      if (renewing.size > 0) return set({ draft: { ...state().draft, renewing }, unconfirmed: true });
      const calls = conditionCalls(shown, state().conditions);
      inTurn('grant', () =>
        change('grant', calls, (choice) => twin.consent.grant(choice), { draft: NO_DRAFT }),
      );
    },
    download(receipt) {
      say(language().words.said.downloaded(saveFile(receiptFile(receipt, parties(), Date.now()))));
    },
    export() {
      inTurn('export', async () => {
        const answer = await twin.export();
        if (!answer.available) return fail('export', answer);
        say(language().words.said.exported(saveFile(exportFile(answer.data))));
      });
    },
    erase() {
      inTurn('erase', async () => {
        say(language().words.said.erasing);
        erased(await twin.erase());
      });
    },
  };
}
