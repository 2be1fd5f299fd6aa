/**
 * The screen. On a terminal what is under way is drawn over; elsewhere (a file, a pipe, CI) only finished lines are written, so that
 * nothing but text goes there. Styles only on a terminal, and not where NO_COLOR is set (no-color.org).
 */
import { progressBlock, progressLine, type Progress } from './progress.ts';

export interface Display {
  line(text?: string): void;
  heading(text: string): void;
  /** Runs `work` and says how long it took. What it returns is said too. */
  step<T>(text: string, work: () => Promise<T>, say?: (result: T) => string): Promise<T>;
  progress(progress: Progress): void;
  /** What is under way; on a terminal only. */
  status(text: string): void;
}

export interface Screen {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

const EVERY_MS = 4_000;
const UP_AND_CLEAR = '\x1b[1A\x1b[2K';

/** @param now milliseconds */
export function createDisplay(
  screen: Screen,
  environment: Record<string, string | undefined>,
  now: () => number,
): Display {
  const live = screen.isTTY === true && environment['TERM'] !== 'dumb';
  const styled = live && (environment['NO_COLOR'] ?? '') === '';
  let drawn = 0;
  let lastLine = -Infinity;
  let shown = -1;

  const clear = (): void => {
    if (drawn > 0) screen.write(UP_AND_CLEAR.repeat(drawn));
    drawn = 0;
  };
  const write = (text: string): void => {
    clear();
    screen.write(`${text}\n`);
  };
  /** Cut to the width: a line that wraps would take two, and clearing would miss one. */
  const draw = (lines: readonly string[]): void => {
    clear();
    const width = (screen.columns ?? 80) - 1;
    for (const text of lines) screen.write(`${text.slice(0, width)}\n`);
    drawn = lines.length;
  };

  return {
    line: (text = '') => write(text),
    heading: (text) => write(styled ? `\x1b[1m${text}\x1b[22m` : text),
    async step(text, work, say) {
      const started = now();
      if (live) draw([`  ${text} ...`]);
      const result = await work();
      const seconds = `${((now() - started) / 1000).toFixed(1)} s`;
      write(`  ${text}${say === undefined ? '' : `: ${say(result)}`}  (${seconds})`);
      return result;
    },
    progress(progress) {
      if (live) draw(progressBlock(progress));
      else if (
        now() - lastLine >= EVERY_MS ||
        (progress.done === progress.rounds && shown !== progress.rounds)
      ) {
        lastLine = now();
        shown = progress.done;
        write(progressLine(progress));
      }
    },
    status(text) {
      if (live) draw([text]);
    },
  };
}
