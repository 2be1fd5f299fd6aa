/** What a browser may have beside plain JavaScript; each is a chunk of its own, loaded when it is tried. */
import type { Accelerator } from './measured.ts';

export { createMeasuredEngine } from './measured.ts';

/** @param wasmFolder address of a folder with the `.wasm` files of `@tensorflow/tfjs-backend-wasm` */
export function browserAccelerators(wasmFolder: string): Accelerator[] {
  return [
    {
      name: 'wasm',
      async load() {
        const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
        setWasmPaths(wasmFolder);
      },
    },
    { name: 'webgl', load: () => import('@tensorflow/tfjs-backend-webgl') },
  ];
}
