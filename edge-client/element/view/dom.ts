/** Elements without markup: nothing that a host app, a twin or a coordinator says is ever read as HTML, and Trusted Types have nothing to object to. */

export type Attributes = Readonly<Record<string, string | boolean | null>>;

export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) setAttribute(element, attribute, value);
  element.append(...children);
  return element;
}

/** False and null take it away. */
export function setAttribute(element: Element, name: string, value: string | boolean | null): void {
  if (value === false || value === null) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? '' : value);
}

/** Touches the page only where something changes: what a screen reader has read is not read again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element: HTMLElement, shown: boolean): void {
  element.hidden = !shown;
}

export function button(part: string, label: string, act: () => void): HTMLButtonElement {
  const element = h('button', { type: 'button', part: `button ${part}`, class: part }, label);
  element.addEventListener('click', act);
  return element;
}

export function checkbox(part: string, act: (checked: boolean) => void): HTMLInputElement {
  const element = h('input', { type: 'checkbox', part, class: part });
  element.addEventListener('change', () => act(element.checked));
  return element;
}

let ids = 0;

/** Unique within the page; references only ever point within one shadow root. */
export function freshId(what: string): string {
  return `twinkeep-${what}-${ids++}`;
}
