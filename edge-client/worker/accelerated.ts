/**
 * Entry of a worker for apps whose tasks have large networks: like `index.ts`, and where plain JavaScript is slow on this device, the
 * fastest of the other backends does the training. It needs `@tensorflow/tfjs-backend-wasm` and `@tensorflow/tfjs-backend-webgl`, and the
 * `.wasm` files of the first in a folder `tfjs/` beside the worker's script.
 */
import { createBrowserPlatform } from './browser.ts';
import { serveTwin, type PageLine } from './serve.ts';

serveTwin(globalThis as unknown as PageLine, {
  ...createBrowserPlatform(),
  async loadEngine(spec) {
    const { browserAccelerators, createMeasuredEngine } = await import('../train/accelerated.ts');
    const accelerators = browserAccelerators(new URL('./tfjs/', globalThis.location.href).href);
    return (await createMeasuredEngine(spec, { accelerators })).engine;
  },
});
