/** A worker of a page that fits and samples when it is asked to. */
import { smallFit, smallPrivateFit } from '../../synthetic/support/small-fit.ts';

addEventListener('message', () => {
  void Promise.all([smallFit(), smallPrivateFit()]).then(
    ([digest, made]) => postMessage({ digest, made }),
    (error: unknown) => postMessage({ error: String(error) }),
  );
});
