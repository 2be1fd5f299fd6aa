/** Says what is missing where Chromium cannot start, before the runner tries; and tells pages, which have no environment, what it says. */
import type { TestProject } from 'vitest/node';
import { chromiumLaunch } from '../support/chromium.ts';

export async function setup(project: TestProject): Promise<void> {
  project.provide('consentHistories', Number(process.env['CONSENT_HISTORIES'] ?? 60));
  await chromiumLaunch();
}
