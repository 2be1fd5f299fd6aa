import { TrainError } from './errors.ts';
import type { TensorOps } from './network-tf.ts';
import type { TensorRuntime } from './tf-core.ts';

export interface LoadedTf {
  readonly tf: TensorOps;
  /** `tensorflow` with tfjs-node, else the best of the registered backends: `cpu`, where the host adds no other. */
  readonly backend: string;
}

/**
 * tfjs for this machine: in Node `@tensorflow/tfjs-node` where the host installed it, else tfjs-core on its plain
 * JavaScript backend. That pair and not `@tensorflow/tfjs`, because it starts in half the time and a region runs many
 * processes; WebAssembly gains nothing on networks of this size.
 *
 * @param importNative a parameter for tests.
 * @throws TrainError `tfjs/not-loadable` when tfjs-node is installed but does not load: whoever installed it
 *   should learn that, instead of training slowly.
 */
export async function loadTf(importNative: () => Promise<unknown> = importTfjsNode): Promise<LoadedTf> {
  const { core } = await import('./tf-core.ts');
  const inNode = core.env().getBool('IS_NODE');
  // Production mode also keeps tfjs from advertising tfjs-node on the console of every process.
  if (inNode) core.enableProdMode();
  const tf = (inNode ? await importIfInstalled(importNative) : undefined) ?? (await withCpu(core));
  await tf.ready();
  return { tf, backend: tf.getBackend() };
}

async function withCpu(core: TensorRuntime): Promise<TensorRuntime> {
  await import('./tf-cpu.ts');
  return core;
}

async function importIfInstalled(importNative: () => Promise<unknown>): Promise<TensorRuntime | undefined> {
  try {
    return (await importNative()) as TensorRuntime;
  } catch (error) {
    if (isNotInstalled(error)) return undefined;
    throw new TrainError('tfjs/not-loadable', '@tensorflow/tfjs-node is installed but does not load', {
      cause: error,
    });
  }
}

/** Node's code for a package that is not there, and the words of the stand-in that Vite puts in its place. */
function isNotInstalled(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    ('code' in error && error.code === 'ERR_MODULE_NOT_FOUND') ||
    error.message.startsWith('Could not resolve')
  );
}

/** The name is not a literal, so that neither the compiler nor a bundler asks for an optional package. */
function importTfjsNode(): Promise<unknown> {
  const name: string = '@tensorflow/tfjs-node';
  return import(/* @vite-ignore */ name);
}
