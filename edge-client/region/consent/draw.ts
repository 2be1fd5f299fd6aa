/** Invented consents for demos: the same for the same seed and customer, so that a comparison can use exactly the same people. */
import { sha256, utf8ToBytes } from '@twinkeep/audit';

export interface DrawnConsent {
  granted: boolean;
  /** After which share of a task's rounds this customer withdraws; null: never. Only of those who granted. */
  withdrawsAt: number | null;
}

export function drawConsent(
  seed: string,
  customer: string,
  rate: { granted: number; withdrawMidway?: number },
): DrawnConsent {
  const [yes, leaves, when] = uniforms(`consent\n${seed}\n${customer}`);
  const granted = yes < rate.granted;
  const withdraws = granted && leaves < (rate.withdrawMidway ?? 0);
  // Away from both ends, so that there are rounds before and after.
  return { granted, withdrawsAt: withdraws ? 0.1 + 0.8 * when : null };
}

/** Three numbers in [0, 1). */
function uniforms(text: string): [number, number, number] {
  const digest = sha256(utf8ToBytes(text));
  const view = new DataView(digest.buffer, digest.byteOffset);
  const at = (i: number): number => view.getUint32(i * 4) / 2 ** 32;
  return [at(0), at(1), at(2)];
}
