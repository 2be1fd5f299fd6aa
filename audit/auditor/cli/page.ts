/**
 * A pack as one HTML file that verifies it in a browser, from a disk and without a network. The pack and the reader's trust file are data in it; the one
 * script and the one style sheet are allowed by their hashes, and nothing else can be loaded or run (`wasm-unsafe-eval` is for libsodium).
 */
import { bytesToBase64, base64ToBytes, utf8ToBytes } from '@twinkeep/audit';
import type { Trust } from '@twinkeep/protocol';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** As `page/vite.config.ts` names them, beside the compiled command. */
const FOLDER = new URL('../page/', import.meta.url);

export async function packToPage(pack: Uint8Array, trust: Trust): Promise<string> {
  const script = (await readBuilt('verifier.js')).replaceAll(/<\/(script)/gi, '<\\/$1').trim();
  const style = (await readBuilt('verifier.css')).trim();
  const policy = [
    `default-src 'none'`,
    `script-src '${sourceHash(script)}' 'wasm-unsafe-eval'`,
    `style-src '${sourceHash(style)}'`,
    `base-uri 'none'`,
    `form-action 'none'`,
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Twinkeep evidence</title>
<style>${style}</style>
</head>
<body>
<main id="app"><h1>Twinkeep evidence</h1><p>This page verifies the evidence that it holds. It needs a browser that runs scripts.</p></main>
<script type="text/plain" id="trust">${bytesToBase64(utf8ToBytes(JSON.stringify(trust)))}</script>
<script type="text/plain" id="pack">${bytesToBase64(pack)}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** The pack in a page that `packToPage` made; null where the text is no such page. */
export function pageToPack(html: string): Uint8Array | null {
  const [, text] = /<script type="text\/plain" id="pack">([A-Za-z0-9+/=]*)<\/script>/.exec(html) ?? [];
  return text === undefined ? null : base64ToBytes(text);
}

async function readBuilt(name: string): Promise<string> {
  return readFile(fileURLToPath(new URL(name, FOLDER)), 'utf8');
}

function sourceHash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
