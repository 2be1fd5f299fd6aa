/** What every part of the panel is made with. A change of language or of the host's texts makes the parts anew. */
import type { Acts } from '../acts.ts';
import type { PanelView } from '../model.ts';
import type { Names } from '../names.ts';
import type { PanelState } from '../state.ts';
import type { ConsentTexts } from '../types.ts';
import type { Language } from '../words/language.ts';

export interface Context {
  acts: Acts;
  language: Language;
  names: Names;
  texts: ConsentTexts;
  /** Of the panel's own heading, 1 to 5; those below follow. */
  headingLevel: number;
  /** The notice that answers refer to. */
  notice: { version: string; lang: string; uri?: string };
}

/** A piece of the page that shows the newest state. */
export interface Part {
  element: HTMLElement;
  update(state: PanelState, view: PanelView): void;
}
