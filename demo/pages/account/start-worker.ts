/** The one script address that this page may start: the policy of the page demands that it is named here. */
// oxlint-disable-next-line import/default -- the address of the built worker, made by Vite
import workerUrl from './worker.ts?worker&url';

/** The part of the Trusted Types API that is used; browsers without it take the address as it is. */
interface TrustedTypes {
  createPolicy(
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ): {
    createScriptURL: (url: string) => string;
  };
}

const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
const policy = trustedTypes?.createPolicy('twin-worker', {
  createScriptURL(url) {
    if (url === workerUrl) return url;
    throw new TypeError('this page starts one worker only');
  },
});

export function startWorker(): Worker {
  return new Worker(policy?.createScriptURL(workerUrl) ?? workerUrl, { type: 'module' });
}
