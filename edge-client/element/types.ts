/** What a host app gives `<twinkeep-consent>`, and what it hears from it. */
import type { Category, ExportParties } from '@twinkeep/consent';
import type { Erasure } from '../twin/types.ts';

/** Plain text in the language of the element's `lang`; nothing here is read as HTML. */
export interface ConsentTexts {
  /** Who is responsible for the data, as people know them: `Example Bank`. */
  controller: string;
  notice?: {
    /** The notice itself. The first paragraph is shown, the others one step away. */
    paragraphs?: readonly string[];
    /** Where it can be read in full. Default: the `uri` of the twin's notice. */
    href?: string;
  };
  /** Who the parties are, for receipts after ISO/IEC TS 27560. Without it a receipt holds the signed event and its proof alone. */
  parties?: ExportParties;
  /** What a category is in this app. Default: the element's own words, which fit any app. */
  categories?: Partial<Readonly<Record<Category, { name: string; what: string }>>>;
  /** Name of a purpose by its IRI, for purposes beyond `PURPOSES` of `@twinkeep/consent`, or in words of your own. */
  purposes?: Readonly<Record<string, string>>;
}

/** Of `twinkeep-consent-change`: the twin has signed this, or is erased. Whether the log has it, `twin.on('consent')` tells. */
export type ConsentChangeDetail =
  | {
      kind: 'grant' | 'refuse' | 'withdraw';
      categories: readonly Category[];
      /** Ids of the signed events. */
      events: readonly string[];
    }
  | { kind: 'erase'; erasure: Exclude<Erasure, { erased: false }> };

export type Doing = 'read' | 'grant' | 'refuse' | 'withdraw' | 'export' | 'erase';

/** Of `twinkeep-consent-error`: something was not done. The person has been told `why` already. */
export interface ConsentErrorDetail {
  doing: Doing;
  /** As the twin gave it. */
  reason: string;
  /** One plain sentence in the element's language. */
  why: string;
  detail?: string;
}

export interface ConsentElementEvents {
  'twinkeep-consent-change': ConsentChangeDetail;
  'twinkeep-consent-error': ConsentErrorDetail;
}
