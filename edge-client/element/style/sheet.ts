/** One constructed sheet for all elements of a page: it needs neither `style-src` nor a style element, so no policy of the host app is loosened. */
import { PARTS } from './parts.ts';
import { THEME } from './theme.ts';

let sheet: CSSStyleSheet | null = null;

export function adoptStyles(root: ShadowRoot): void {
  if (sheet === null) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(THEME + PARTS);
  }
  root.adoptedStyleSheets = [sheet];
}
