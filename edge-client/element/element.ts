/** `<twinkeep-consent>`: the seam between a host app's page and the panel. A class, because custom elements are. */
import type { Twin } from '../twin/types.ts';
import { createActs, type Emit } from './acts.ts';
import { viewPanel, type PanelView } from './model.ts';
import { namesOf } from './names.ts';
import { watchTwin } from './state.ts';
import { adoptStyles } from './style/sheet.ts';
import type { ConsentTexts } from './types.ts';
import { createPanel, type Panel } from './view/panel.ts';
import { languageOf, type Language } from './words/language.ts';

/** Before the host app has said who asks. */
const NO_TEXTS: ConsentTexts = { controller: location.hostname };

/** What belongs to one twin in one place of the page. */
interface Life {
  /** Another language, other texts or attributes. */
  rebuild(): void;
  end(): void;
}

export class TwinkeepConsentElement extends HTMLElement {
  static readonly observedAttributes: readonly string[] = ['lang', 'purpose', 'heading-level'];

  #root: ShadowRoot;
  #twin: Twin | null = null;
  #texts: ConsentTexts = NO_TEXTS;
  #life: Life | null = null;
  #documentLanguage: MutationObserver | null = null;

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: 'open' });
    adoptStyles(this.#root);
  }

  /** The person's twin, of `createTwin`. Null takes it away. */
  get twin(): Twin | null {
    return this.#twin;
  }
  set twin(twin: Twin | null) {
    if (twin === this.#twin) return;
    this.#twin = twin;
    this.#begin();
  }

  /** Who asks, and in which words. */
  get texts(): ConsentTexts {
    return this.#texts;
  }
  set texts(texts: ConsentTexts) {
    this.#texts = texts;
    this.#life?.rebuild();
  }

  connectedCallback(): void {
    this.#upgrade('twin');
    this.#upgrade('texts');
    this.#documentLanguage = new MutationObserver(() => this.#life?.rebuild());
    this.#documentLanguage.observe(document.documentElement, { attributeFilter: ['lang'] });
    this.#begin();
  }

  disconnectedCallback(): void {
    this.#documentLanguage?.disconnect();
    this.#end();
  }

  attributeChangedCallback(): void {
    this.#life?.rebuild();
  }

  /** What was set before this script had run hides the accessors until it is set again. */
  #upgrade(name: 'twin' | 'texts'): void {
    if (!Object.hasOwn(this, name)) return;
    const value = this[name];
    delete (this as Partial<this>)[name];
    this[name] = value as never;
  }

  #begin(): void {
    this.#end();
    if (this.#twin === null || !this.isConnected) return;
    this.#life = live(this, this.#root, this.#twin);
  }

  #end(): void {
    this.#life?.end();
    this.#life = null;
    this.#root.replaceChildren();
  }
}

function live(host: TwinkeepConsentElement, root: ShadowRoot, twin: Twin): Life {
  let language = languageOfPage(host);
  let panel: Panel | null = null;
  let asked = false;
  const view = (): PanelView => {
    const purposes = host.getAttribute('purpose')?.split(/\s+/).filter(Boolean) ?? null;
    return viewPanel({ ...watched.state(), purposes });
  };

  const render = (): void => {
    asked = false;
    panel?.update(watched.state(), view());
  };
  /** However much changes in one turn, it is drawn once. */
  const ask = (): void => {
    if (asked) return;
    asked = true;
    queueMicrotask(render);
  };
  const emit: Emit = (name, detail) =>
    void host.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  const watched = watchTwin({ twin, changed: ask, failed: (trouble) => acts.tell('read', trouble) });
  const acts = createActs({
    ...{ twin, watched, view, emit },
    language: () => language,
    names: () => namesOf(host.texts, language),
    parties: () => host.texts.parties,
  });
  const rebuild = (): void => {
    language = languageOfPage(host);
    const { texts } = host;
    const names = namesOf(texts, language);
    panel = createPanel({ acts, language, names, texts, notice: twin.notice, headingLevel: levelOf(host) });
    root.replaceChildren(panel.element);
    render();
  };
  rebuild();
  return { rebuild, end: watched.end };
}

/** The element's own attribute, then that of what it stands in, then the document's, then what the browser is set to. */
function languageOfPage(host: Element): Language {
  const near = host.closest('[lang]')?.getAttribute('lang') ?? '';
  const { languages } = navigator;
  return languageOf([near, document.documentElement.lang, ...languages], languages);
}

function levelOf(host: Element): number {
  const level = Number(host.getAttribute('heading-level') ?? 2);
  return Number.isInteger(level) && level >= 1 && level <= 5 ? level : 2;
}
