/** A process of its own for the package's way to unpack itself, which only its environment can direct (see `chromium.ts`). */
import chromium from '@sparticuz/chromium';

await chromium.executablePath();
