/** For whom a key may speak: by a credential of the issuer that the reader pinned, never because the pack says so. */
import {
  ProblemError,
  verifySpeaker,
  type Speaker,
  type StatedSpeaker,
  type Trust,
} from '@twinkeep/protocol';
import type { Checklist } from './verdict.ts';

/** By thumbprint, as events and credentials name keys. A key may have several credentials; they must not contradict each other. */
export async function verifySpeakers(
  speakers: readonly StatedSpeaker[],
  trust: Trust,
  checks: Checklist,
): Promise<Map<string, Speaker>> {
  const verified = new Map<string, Speaker>();
  for (const [i, stated] of speakers.entries()) {
    try {
      const speaker = await verifySpeaker(stated, trust);
      verified.set(speaker.credential.jkt, speaker);
      checks.pass('speakers');
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      checks.fail('speakers', `speakers, line ${i + 1}`, error.message);
    }
  }
  return verified;
}
