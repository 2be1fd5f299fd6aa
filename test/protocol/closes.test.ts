/** That a round was never opened: no lie of c helpers makes it so, whoever else had said ready or answered. */
import { fewestHelpers, showUnopened, type HelperClose } from '@twinkeep/protocol';
import { describe, expect, it } from 'vitest';

type Honest = 'silent' | 'ready' | 'answered';
const STATES: readonly Honest[] = ['silent', 'ready', 'answered'];

const helpersOf = (m: number): { j: number; key: string; boxKey: string; e: number }[] =>
  Array.from({ length: m }, (_, i) => ({ j: i + 1, key: '', boxKey: '', e: 1 }));

const close = (j: number, ready: boolean): HelperClose => ({ v: 1, rcHash: '', j, ready });

/** Every way in which so many honest helpers can stand. */
function* standings(honest: number): Generator<Honest[]> {
  if (honest === 0) return yield [];
  for (const rest of standings(honest - 1)) for (const state of STATES) yield [...rest, state];
}

describe.each(['quorum', 'log'] as const)('in %s mode', (mode) => {
  it('an honest answer cannot be hidden, for every (m, c, q) and every standing of the honest', () => {
    let opened = 0;
    for (let m = 1; m <= 5; m++)
      for (let c = 0; c < m; c++)
        for (let q = fewestHelpers(m, c, mode); q <= m; q++)
          for (const honest of standings(m - c)) {
            const readies = honest.filter((state) => state !== 'silent').length + c;
            const answered = honest.includes('answered');
            // Without q readies nobody honest answers in quorum mode; in log mode nobody says ready.
            if (mode === 'quorum' ? answered && readies < q : honest.includes('ready')) continue;
            if (!answered) continue;
            opened++;
            const closes = [
              ...honest.flatMap((state, i) =>
                state === 'answered' ? [] : [close(i + 1, state === 'ready')],
              ),
              ...Array.from({ length: c }, (_, i) => close(m - i, false)),
            ];
            expect(
              showUnopened({ helpers: helpersOf(m), mode, q }, closes),
              `${m} ${c} ${q} ${honest.join()}`,
            ).toBe(false);
          }
    expect(opened).toBeGreaterThan(100);
  });

  it('a round that nobody answered is free once all have said so', () => {
    for (let m = 1; m <= 8; m++) {
      const all = helpersOf(m).map(({ j }) => close(j, mode === 'quorum' && j % 2 === 0));
      const config = { helpers: helpersOf(m), mode, q: m };
      expect(showUnopened(config, all)).toBe(true);
      if (m > 1) expect(showUnopened(config, all.slice(1))).toBe(false);
    }
  });
});

describe('in quorum mode', () => {
  it('q helpers that never said ready are enough', () => {
    const config = { helpers: helpersOf(4), mode: 'quorum' as const, q: 3 };
    expect(showUnopened(config, [close(1, false), close(2, false), close(4, false)])).toBe(true);
    expect(showUnopened(config, [close(1, false), close(2, false), close(4, true)])).toBe(false);
    expect(showUnopened(config, [close(1, false), close(2, false), close(2, false)])).toBe(false);
    expect(
      showUnopened({ ...config, mode: 'log' }, [close(1, false), close(2, false), close(4, false)]),
    ).toBe(false);
  });
});
