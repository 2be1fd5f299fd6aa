/** Registers the plain JavaScript backend, and offers nothing of it: see `tf-core.ts`. */
import '@tensorflow/tfjs-backend-cpu';
