/** Says what is missing where Chromium cannot start, before the runner tries. */
import { chromiumLaunch } from '../support/chromium.ts';

export async function setup(): Promise<void> {
  await chromiumLaunch();
}
