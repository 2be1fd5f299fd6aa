/** A verdict as elements. */
import { CHECK_TITLES, type Check, type SubjectInRound, type Verdict } from '@twinkeep/auditor';
import { operatorsOf, type Trust } from '@twinkeep/protocol';

const HEADS: Readonly<Record<Verdict['outcome'], string>> = {
  verified: 'Verified',
  violated: 'Authentic, and it shows a violation',
  refused: 'This proves nothing',
};
const STATUS: Readonly<Record<Check['status'], string>> = {
  passed: 'holds',
  failed: 'fails',
  open: 'not shown',
};
const PARTS: Readonly<Record<SubjectInRound['part'], string>> = {
  'in-set': 'used',
  dropped: 'left out',
  absent: 'not in it',
  unknown: 'not shown',
};

export function showVerdict(into: HTMLElement, verdict: Verdict, trust: Trust): void {
  const [answer = '', ...rest] = verdict.words;
  into.replaceChildren(
    element('section', { className: `verdict ${verdict.outcome}` }, [
      ...(verdict.question === null
        ? []
        : [element('p', { className: 'question', textContent: verdict.question })]),
      element('h2', { textContent: HEADS[verdict.outcome] }),
      element('p', { className: 'answer', textContent: answer }),
      ...rest.map((sentence) => element('p', { textContent: sentence })),
    ]),
    ...(verdict.subject.length > 0 ? [subjectTable(verdict.subject)] : []),
    ...(verdict.rounds.length > 0 && verdict.subject.length === 0 ? [roundTable(verdict)] : []),
    checkList(verdict.checks),
    about(verdict, trust),
  );
}

export function showWaiting(into: HTMLElement): void {
  into.replaceChildren(element('p', { className: 'waiting', textContent: 'Verifying …' }));
}

export function showProblem(into: HTMLElement, problem: string): void {
  into.replaceChildren(
    element('section', { className: 'verdict refused' }, [
      element('h2', { textContent: HEADS.refused }),
      element('p', { className: 'answer', textContent: problem }),
    ]),
  );
}

function subjectTable(rounds: readonly SubjectInRound[]): HTMLElement {
  return section('This customer, round by round', [
    tableOf(
      ['Round', 'Set fixed', 'This customer', 'Consent then'],
      rounds.map(({ round, at, size, part, allowed, reason }) => [
        String(round),
        `${minute(at)}, log size ${size}`,
        PARTS[part],
        allowed === null ? 'not asked' : `${allowed ? 'yes' : 'no'} (${reason})`,
      ]),
    ),
  ]);
}

function roundTable({ rounds }: Verdict): HTMLElement {
  return section('Rounds, with the gate run again', [
    tableOf(
      ['Round', 'Set fixed', 'Reports', 'Twins', 'Asked again', 'Allowed', 'Erased since'],
      rounds.map(({ round, at, size, reports, twins }) => [
        String(round),
        `${minute(at)}, log size ${size}`,
        `${reports.inSet}, ${reports.dropped} left out`,
        String(twins.inSet),
        String(twins.replayed),
        String(twins.allowed),
        String(twins.erased),
      ]),
    ),
  ]);
}

function checkList(checks: readonly Check[]): HTMLElement {
  return section('What was checked', [
    element(
      'ol',
      { className: 'checks' },
      checks.map(({ id, status, count, findings, failed, open }) =>
        element('li', { className: status }, [
          element('span', { className: 'status', textContent: STATUS[status] }),
          element('span', { className: 'title', textContent: `${CHECK_TITLES[id]} (${count})` }),
          ...(findings.length === 0
            ? []
            : [
                element(
                  'ul',
                  {},
                  findings.map(({ where, what }) => element('li', { textContent: `${where}: ${what}` })),
                ),
              ]),
          ...(failed + open > findings.length
            ? [element('p', { textContent: `and ${failed + open - findings.length} more` })]
            : []),
        ]),
      ),
    ),
  ]);
}

function about({ madeAt, log }: Verdict, trust: Trust): HTMLElement {
  const facts: [string, string][] = [
    ...(madeAt === null ? [] : [['Pack made', minute(new Date(madeAt).toISOString())] as [string, string]]),
    ...(log === null
      ? []
      : [
          ['Log', `${log.origin}, ${log.size} entries`] as [string, string],
          ['Witnesses', log.witnesses.join(', ') || 'none'] as [string, string],
        ]),
    ['Run by', operatorsOf(trust).join(', ')],
    ['Coordinator key', trust.coordinator.key],
    ['Log key', trust.log.vkey],
    ['Issuer keys', trust.issuer.keys.join(', ')],
    ...trust.helpers.map(({ j, operator, key }): [string, string] => [`Helper ${j}`, `${key} (${operator})`]),
  ];
  return section('The keys that this was verified with', [
    element('p', {
      textContent:
        'Whoever made this page put them here. Compare them with those that you have from somebody else: a page with other keys would call other things true.',
    }),
    element(
      'dl',
      {},
      facts.flatMap(([name, value]) => [
        element('dt', { textContent: name }),
        element('dd', { textContent: value }),
      ]),
    ),
  ]);
}

function section(title: string, children: HTMLElement[]): HTMLElement {
  return element('section', {}, [element('h2', { textContent: title }), ...children]);
}

/** Scrolls by itself where it is wider than the screen, by keyboard too. */
function tableOf(heads: readonly string[], rows: readonly string[][]): HTMLElement {
  const table = element('table', {}, [
    element('thead', {}, [
      element(
        'tr',
        {},
        heads.map((head) => element('th', { scope: 'col', textContent: head })),
      ),
    ]),
    element(
      'tbody',
      {},
      rows.map((row) =>
        element(
          'tr',
          {},
          row.map((cell, i) =>
            i === 0
              ? element('th', { scope: 'row', textContent: cell })
              : element('td', { textContent: cell }),
          ),
        ),
      ),
    ),
  ]);
  const frame = element('div', { className: 'scroll', tabIndex: 0 }, [table]);
  frame.setAttribute('role', 'group');
  frame.setAttribute('aria-label', 'Table');
  return frame;
}

function minute(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]>,
  children: readonly HTMLElement[] = [],
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}
