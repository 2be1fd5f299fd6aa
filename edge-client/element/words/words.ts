/** Everything that the element says, as one table per language: a sentence that is missing in one of them does not compile. */
import type { Category, CellStatus, ConsentEventType, PURPOSES } from '@twinkeep/consent';
import type { PauseReason, RoundTrouble, Unavailable } from '../../twin/types.ts';
import type { GroupName } from '../groups.ts';

/** Reasons of a twin that can reach the element. */
export type SpokenReason =
  Unavailable | RoundTrouble | Extract<PauseReason, 'offline'> | 'no-task' | 'malformed';

export interface Words {
  title: string;
  /** @param controller who asks, as the host app names them */
  intro: (controller: string) => string;
  nothingChosen: string;
  /** In place of that, where the law lets data be used until somebody objects. */
  optOut: string;
  notice: { rest: string; version: (version: string) => string; read: string };
  loading: string;
  offline: string;
  purpose: (name: string) => string;
  purposes: Readonly<Record<keyof typeof PURPOSES, string>>;
  categories: Readonly<Record<Category, { name: string; what: string }>>;
  needed: string;
  chooseAll: (rows: number) => string;
  details: string;
  groups: Readonly<Record<GroupName, { name: string; what: (controller: string) => string }>>;
  status: {
    chosen: string;
    inPart: string;
    waiting: string;
    of: Readonly<Record<CellStatus, string>>;
    /** A status that this version does not know. */
    other: (status: string) => string;
    until: (date: string) => string;
    minCohort: (participants: string) => string;
    maxEpsilon: (epsilon: string) => string;
  };
  special: { badge: string; confirm: (controller: string, category: string) => string; missing: string };
  actions: {
    refuseAll: string;
    refuseRest: string;
    accept: string;
    withdrawAll: string;
    /** What a withdrawal does, said before it is made. */
    withdrawEffect: string;
  };
  said: {
    chooseFirst: string;
    accepted: (categories: string) => string;
    refused: (categories: string) => string;
    withdrawn: (categories: string) => string;
    unchanged: string;
    exported: (file: string) => string;
    downloaded: (file: string) => string;
    erased: string;
    erasing: string;
  };
  conditions: {
    title: string;
    what: string;
    minCohort: string;
    maxEpsilon: string;
    epsilonHint: string;
    wrongCohort: string;
    wrongEpsilon: string;
    apply: string;
    none: string;
  };
  receipts: {
    title: (receipts: number) => string;
    none: string;
    events: Readonly<Record<ConsentEventType, string>>;
    otherEvent: string;
    entry: (index: string) => string;
    waiting: string;
    download: string;
    /** Accessible name of a download button. */
    downloadOf: (what: string, when: string) => string;
  };
  own: {
    title: string;
    what: string;
    export: string;
    erase: string;
    askTitle: string;
    ask: string;
    yes: string;
    no: string;
    erasedTitle: string;
    erased: string;
    erasedDataTitle: string;
    erasedData: string;
  };
  failed: string;
  /** Null: the twin's own sentence is in this language. */
  reasons: Readonly<Record<SpokenReason, string>> | null;
}
