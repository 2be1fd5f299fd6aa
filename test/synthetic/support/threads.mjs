// Prints the SHA-256 of all that a simulation writes, for each number of threads asked for; and ends only if its workers do.
import { createHash } from 'node:crypto';
import { simulateLines } from '@twinkeep/synthetic/node';

const { options, threads } = JSON.parse(process.argv[2]);
const digests = [];
for (const count of threads) {
  const hash = createHash('sha256');
  for (const part of ['events', 'customers', 'truth'])
    for await (const bytes of simulateLines(options, part, count)) hash.update(bytes);
  digests.push(hash.digest('hex'));
}
// Whoever stops reading leaves no worker behind.
for await (const bytes of simulateLines({ ...options, customers: 1e9 }, 'events', 2))
  if (bytes.length > 0) break;
process.stdout.write(JSON.stringify(digests));
