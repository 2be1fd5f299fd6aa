/** The worker that the twin lives in. */
import '@twinkeep/edge-client/worker';
