/** The parts. Logical properties throughout: in a page that runs from right to left everything changes sides. */
export const PARTS = `
.panel {
  container-type: inline-size;
  background: var(--_ground);
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
  padding: 1.5rem;
  line-height: 1.5;
  overflow-wrap: break-word;
}
header, .asked, .answers, .section, .notice { display: grid; gap: 0.625rem; }
.panel, .asked { display: grid; gap: 1.25rem; grid-template-columns: minmax(0, 1fr); }
.title { font-size: 1.375rem; line-height: 1.25; letter-spacing: -0.01em; }
.title:focus { outline: none; }
.title:focus-visible { outline: 3px solid var(--_accent); }
.purpose-title, .own > :first-child { font-size: 1rem; line-height: 1.4; }
.what { color: var(--_soft); font-size: 0.875rem; }
.notice p + p, .notice details p { margin-block-start: 0.5rem; }
summary { cursor: pointer; color: var(--_accent); font-size: 0.875rem; padding-block: 0.25rem; inline-size: fit-content; }
.banner:empty { display: none; }
.banner { background: var(--_attention-soft); color: var(--_attention); border-radius: 8px; padding: 0.75rem 1rem; }
.banner.trouble { background: var(--_bad-soft); color: var(--_bad); }

.purposes { display: grid; gap: 1.5rem; }
.purpose-head {
  display: flex;
  flex-wrap: wrap;
  justify-content: space-between;
  align-items: baseline;
  gap: 0.25rem 1rem;
  padding-block-end: 0.5rem;
}
.all { display: inline-flex; align-items: center; gap: 0.5rem; font-size: 0.875rem; cursor: pointer; padding-block: 0.25rem; }
.row, .receipt { border-block-start: 1px solid var(--_line); padding-block: 0.875rem; }
.row { display: grid; gap: 0.25rem; grid-template-columns: minmax(0, 1fr); }
.row-foot { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
.row-foot > .status { flex: 1 1 12rem; padding-block: 0.25rem; }
.row-foot > [open] { flex-basis: 100%; }
.row:last-child, .receipt:last-child { padding-block-end: 0; }
.row-head { display: flex; justify-content: space-between; align-items: flex-start; gap: 1rem; cursor: pointer; }
.row-text { display: grid; min-inline-size: 0; }
.row-title { display: flex; flex-wrap: wrap; align-items: center; gap: 0 0.5rem; }
.name { font-weight: 600; }
.badge {
  font-size: 0.75rem;
  font-weight: 600;
  line-height: 1.25;
  border-radius: 99px;
  padding: 0.125rem 0.5rem;
  background: var(--_sunken);
  color: var(--_soft);
  white-space: nowrap;
}
.status { display: flex; gap: 0.5rem; font-size: 0.875rem; font-weight: 500; color: var(--_soft); }
.status::before {
  content: '';
  flex: none;
  inline-size: 0.625rem;
  block-size: 0.625rem;
  margin-block-start: 0.4rem;
  border: 2px solid currentColor;
  border-radius: 50%;
}
.status[data-tone='yes'] { color: var(--_good); }
.status[data-tone='yes']::before { background: currentColor; }
.status[data-tone='no']::before { border-radius: 0; border-width: 0 0 2px; block-size: 0.375rem; }
.status[data-tone='chosen'] { color: var(--_accent); }
.groups { display: grid; gap: 0.75rem; margin-block: 0.5rem 0.25rem; padding: 0.875rem 1rem; background: var(--_sunken); border-radius: 8px; }
.group + .group { border-block-start: 1px solid var(--_line); padding-block-start: 0.75rem; }
.explicit { background: var(--_attention-soft); border-radius: 8px; padding: 0.75rem 1rem; display: grid; gap: 0.5rem; margin-block: 0.375rem; }
.explicit label { display: flex; gap: 0.75rem; cursor: pointer; font-size: 0.9375rem; }
.missing { color: var(--_bad); font-size: 0.875rem; font-weight: 600; }
.missing:empty { display: none; }

.confirm, .choose-all { accent-color: var(--_accent); inline-size: 1.25rem; block-size: 1.25rem; flex: none; margin: 0.125rem 0 0; }
.choose-all { margin: 0; }
input.switch {
  appearance: none;
  flex: none;
  position: relative;
  inline-size: 3rem;
  block-size: 1.75rem;
  margin: 0;
  border: 2px solid var(--_control);
  border-radius: 99px;
  background: var(--_ground);
  cursor: pointer;
}
input.switch::before {
  content: '';
  position: absolute;
  inset-block-start: 0.25rem;
  inset-inline-start: 0.25rem;
  inline-size: 1rem;
  block-size: 1rem;
  border-radius: 50%;
  background: var(--_control);
}
input.switch:checked { background: var(--_accent); border-color: var(--_accent); }
input.switch:checked::before { inset-inline-start: 1.5rem; background: var(--_on-accent); }
input.switch:indeterminate { background: var(--_accent-soft); border-color: var(--_accent); }
input.switch:indeterminate::before { inset-inline-start: 0.875rem; background: var(--_accent); }
input.switch:focus-visible { border-radius: 99px; }

.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 0.75rem; }
.pair > :only-child, .pair > [hidden] + :last-child, .pair > :first-child:has(+ [hidden]) { grid-column: 1 / -1; }
button {
  min-block-size: 2.75rem;
  padding: 0.5rem 1rem;
  border: 1px solid var(--_control);
  border-radius: 8px;
  background: var(--_ground);
  cursor: pointer;
  font-weight: 600;
}
button:hover { background: var(--_sunken); }
button.answer { border: 2px solid var(--_accent); color: var(--_accent); }
button.answer:hover { background: var(--_accent-soft); }
.erase, .erase-now { color: var(--_bad); }
.answers { border-block-start: 1px solid var(--_line); padding-block-start: 1.25rem; }
.back { display: grid; gap: 0.5rem; }
.withdraw-all, .apply { inline-size: 100%; }
.said:not(:empty) { font-weight: 600; background: var(--_sunken); border-radius: 8px; padding: 0.625rem 1rem; }

.section { border-block-start: 1px solid var(--_line); padding-block-start: 1rem; }
details.section > :not(summary) { margin-block-start: 0.625rem; }
details.section > summary { font-size: 1rem; font-weight: 600; }
.asked > .section + .section { margin-block-start: -0.25rem; }
.fields { display: grid; align-items: start; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr)); }
.field { display: grid; gap: 0.25rem; }
.field label { font-size: 0.875rem; font-weight: 600; }
.field input {
  inline-size: 100%;
  min-block-size: 2.75rem;
  padding: 0.5rem 0.75rem;
  border: 1px solid var(--_control);
  border-radius: 8px;
  background: var(--_ground);
}
.field input::placeholder { color: var(--_soft); opacity: 1; }
.field input[aria-invalid] { border-color: var(--_bad); }
.receipt { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: center; gap: 0.5rem 1rem; }
.receipt .row-text { flex: 1 1 14rem; }
.receipt .name { font-size: 0.9375rem; }

dialog {
  max-inline-size: min(32rem, calc(100vw - 2rem));
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
  background: var(--_ground);
  color: var(--_ink);
  padding: 1.5rem;
}
dialog > * + * { margin-block-start: 1rem; }
dialog::backdrop { background: #0009; }

@container (max-width: 30rem) {
  .purposes, .row-head { font-size: 0.9375rem; }
  .pair button { padding-inline: 0.5rem; }
}
@media (max-width: 30rem) {
  .panel { padding: 1rem; }
}
@media (prefers-reduced-motion: no-preference) {
  input.switch, input.switch::before { transition: inset-inline-start 0.12s ease-out, background-color 0.12s ease-out; }
}
@media (forced-colors: active) {
  input.switch { appearance: auto; inline-size: 1.5rem; block-size: 1.5rem; border: none; }
  input.switch::before { display: none; }
  .status::before { forced-color-adjust: none; border-color: CanvasText; }
  .status[data-tone='yes']::before { background: CanvasText; }
  button, .banner, .explicit, .badge, .groups, .said:not(:empty) { border: 1px solid CanvasText; }
}
`;
