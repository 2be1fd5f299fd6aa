// A process of its own: what each device does with its receipts before it keeps them.
import { createRepeatedVerify, verifyConsentReceipt } from '@twinkeep/protocol';
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

const [file, vkey] = process.argv.slice(2);
let verified = 0;
let millis = 0;
for await (const line of createInterface({ input: createReadStream(file) })) {
  const { events, answer } = JSON.parse(line);
  const { receipts } = JSON.parse(answer);
  if (receipts.length !== events.length) throw new Error('not every event has its receipt');
  const started = performance.now();
  const verify = createRepeatedVerify();
  receipts.forEach((receipt, i) => verifyConsentReceipt(receipt, events[i], vkey, verify));
  millis += performance.now() - started;
  verified += events.length;
}
process.stdout.write(JSON.stringify({ verified, millisEach: millis / verified }));
