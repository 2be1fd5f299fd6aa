/**
 * The page that verifies the pack it holds. Everything that the pack says is put on the screen as text, never as markup. The keys that it is
 * checked with came into the page from its maker; they are shown, so that a reader can compare them with their own.
 */
import { base64ToBytes, bytesToUtf8 } from '@twinkeep/audit';
import { verifyPack, type KeptReceipt } from '@twinkeep/auditor';
import { MAX_EVIDENCE_BYTES, parseTrust, type Trust } from '@twinkeep/protocol';
import { element, showProblem, showVerdict, showWaiting } from './show.ts';

const app = document.getElementById('app') as HTMLElement;
const result = element('div', { className: 'result' });
const receipts: KeptReceipt[] = [];

/** A changed page can hold anything in place of its data. */
function heldBytes(id: string): Uint8Array | null {
  try {
    return base64ToBytes(document.getElementById(id)?.textContent?.trim() ?? '');
  } catch {
    return null;
  }
}

function heldTrust(): Trust | null {
  try {
    const bytes = heldBytes('trust');
    return bytes === null ? null : parseTrust(JSON.parse(bytesToUtf8(bytes)));
  } catch {
    return null;
  }
}

async function show(bytes: Uint8Array | null, trust: Trust | null): Promise<void> {
  showWaiting(result);
  if (trust === null) {
    showProblem(result, 'The keys in this page were changed: nothing can be verified with them.');
    return;
  }
  if (!globalThis.isSecureContext || !(await verifiesEd25519())) {
    showProblem(
      result,
      'This browser cannot verify Ed25519 signatures. Use a current one, or the command twinkeep-audit verify-pack.',
    );
    return;
  }
  // Drawn before the work begins, which keeps the page busy.
  await new Promise((resolve) => setTimeout(resolve, 30));
  try {
    showVerdict(result, await verifyPack(bytes ?? new Uint8Array(), trust, { receipts }), trust);
  } catch (error) {
    showProblem(result, `Verifying failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function verifiesEd25519(): Promise<boolean> {
  try {
    await crypto.subtle.importKey('raw', new Uint8Array(32), 'Ed25519', true, ['verify']);
    return true;
  } catch {
    return false;
  }
}

/** @param onFile is given what a reader chose or dropped */
function filePicker(
  id: string,
  label: string,
  hint: string,
  onFile: (bytes: Uint8Array) => Promise<void>,
): HTMLElement {
  const input = element('input', { type: 'file', id });
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    if (file !== undefined) void read(file, onFile);
  });
  return element('div', { className: 'picker' }, [
    element('label', { htmlFor: id, textContent: label }),
    element('p', { className: 'hint', textContent: hint }),
    input,
  ]);
}

async function read(file: File, onFile: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  if (file.size > 2 * MAX_EVIDENCE_BYTES) showProblem(result, 'The file is larger than any pack.');
  else await onFile(new Uint8Array(await file.arrayBuffer()));
}

function start(): void {
  const trust = heldTrust();
  let pack = heldBytes('pack');
  const again = (): Promise<void> => show(pack, trust);
  const takePack = async (bytes: Uint8Array): Promise<void> => {
    pack = packIn(bytes);
    await again();
  };
  result.setAttribute('role', 'region');
  result.setAttribute('aria-label', 'Verdict');
  result.setAttribute('aria-live', 'polite');
  app.replaceChildren(
    element('header', {}, [
      element('h1', { textContent: 'Twinkeep evidence' }),
      element('p', {
        textContent: 'Verified here, in your browser, without a network, and with the keys below.',
      }),
    ]),
    result,
    element('section', { className: 'others' }, [
      element('h2', { textContent: 'Verify something else' }),
      filePicker(
        'other-pack',
        'Another pack',
        'evidence.ndjson, or a page like this one. You can also drop it anywhere here.',
        takePack,
      ),
      filePicker(
        'receipt',
        'A receipt that was kept',
        'Shows whether the pack keeps back an event that the log has.',
        async (bytes) => {
          const kept = receiptIn(bytes);
          if (kept === null) showProblem(result, 'The file holds no receipt of a consent.');
          else {
            receipts.push(kept);
            await again();
          }
        },
      ),
    ]),
  );
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    const file = event.dataTransfer?.files[0];
    if (file !== undefined) void read(file, takePack);
  });
  void again();
}

/** A page made of a pack is as good as the pack. */
function packIn(bytes: Uint8Array): Uint8Array | null {
  const text = new TextDecoder().decode(bytes);
  if (!text.startsWith('<!doctype html>')) return bytes;
  try {
    const held = new DOMParser().parseFromString(text, 'text/html').getElementById('pack')?.textContent;
    return base64ToBytes(held?.trim() ?? '');
  } catch {
    return null;
  }
}

function receiptIn(bytes: Uint8Array): KeptReceipt | null {
  try {
    const { jws, receipt } = JSON.parse(bytesToUtf8(bytes)) as Partial<KeptReceipt>;
    return typeof jws === 'string' && typeof receipt?.proof === 'string' ? { jws, receipt } : null;
  } catch {
    return null;
  }
}

start();
