/** Node's `Buffer` for suites that also run in a browser: the npm package of that name, and what it lacks of it. */
import { Buffer } from 'buffer/';

const toString = Buffer.prototype.toString;
Buffer.prototype.toString = function (encoding?: string, ...range: number[]) {
  return encoding === 'base64url'
    ? toString
        .call(this, 'base64', ...range)
        .replaceAll('+', '-')
        .replaceAll('/', '_')
        .replaceAll('=', '')
    : toString.call(this, encoding, ...range);
};

// Its base64 reads the URL-safe alphabet too, as Node's does.
const from = Buffer.from.bind(Buffer) as (value: unknown, ...rest: unknown[]) => Buffer;
Buffer.from = ((value: unknown, second?: unknown, third?: unknown) =>
  from(value, second === 'base64url' ? 'base64' : second, third)) as typeof Buffer.from;

// And it compares with other buffers only.
Buffer.prototype.equals = function (other: Uint8Array) {
  return this.compare(other) === 0;
};

Object.assign(globalThis, { Buffer });
