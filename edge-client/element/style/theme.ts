/**
 * Colours and sizes. A host app sets any `--twinkeep-*` on the element, or reaches its parts; docs/embed.md lists both. The scheme is
 * the page's own (`color-scheme`), so a page that is only light stays so. Text on every ground has 4.5 to 1 or more, controls 3 to 1.
 */

interface Shades {
  light: string;
  dark: string;
}

const SHADES: Readonly<Record<string, Shades>> = {
  ground: { light: '#ffffff', dark: '#17202b' },
  sunken: { light: '#f3f6fa', dark: '#1e2935' },
  ink: { light: '#17212e', dark: '#e7eef6' },
  soft: { light: '#4c5a6b', dark: '#a9b7c7' },
  line: { light: '#d3dde8', dark: '#2c3a4a' },
  control: { light: '#6b7a8c', dark: '#8494a6' },
  accent: { light: '#1c5a9e', dark: '#86b8f2' },
  'on-accent': { light: '#ffffff', dark: '#0c1a2b' },
  'accent-soft': { light: '#e4eefa', dark: '#1d2f46' },
  good: { light: '#17693f', dark: '#7fd6a6' },
  attention: { light: '#7a5900', dark: '#f0c75e' },
  'attention-soft': { light: '#fff3d1', dark: '#352c12' },
  bad: { light: '#a8211a', dark: '#ff9d94' },
  'bad-soft': { light: '#fdebe9', dark: '#3a1a18' },
};

function shades(valueOf: (shade: Shades) => string): string {
  return Object.entries(SHADES)
    .map(([name, shade]) => `--_${name}: var(--twinkeep-${name}, ${valueOf(shade)});`)
    .join('\n  ');
}

export const THEME: string = `
:host {
  display: block;
  ${shades(({ light }) => light)}
  --_radius: var(--twinkeep-radius, 12px);
  --_font: var(--twinkeep-font, inherit);
  font-family: var(--_font);
  color: var(--_ink);
  text-align: start;
}
:host([hidden]) { display: none; }
@supports (color: light-dark(red, red)) {
  :host {
    ${shades(({ light, dark }) => `light-dark(${light}, ${dark})`)}
  }
}
*, *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
h1, h2, h3, h4, h5, h6, p, ul { margin: 0; padding: 0; }
ul { list-style: none; }
button, input { font: inherit; color: inherit; }
a { color: var(--_accent); text-underline-offset: 0.15em; }
:focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px; border-radius: 4px; }
.unseen {
  position: absolute;
  inline-size: 1px;
  block-size: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
`;
