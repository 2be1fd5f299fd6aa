/** V8's own: compiled code, and lists of what depends on it. They come with use and level out over thousands of rounds. */
const OWN = ['code', 'hidden'];

/**
 * What a heap holds after a forced collection: objects, strings, and buffers with the memory of WebAssembly among them.
 * @param heap `send` a method to its debugger, which adds the parts of a snapshot to `chunks`
 */
export async function heldBytes({ send, chunks }) {
  await send('HeapProfiler.collectGarbage');
  chunks.length = 0;
  await send('HeapProfiler.takeHeapSnapshot');
  const { snapshot, nodes } = JSON.parse(chunks.join(''));
  chunks.length = 0;
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, size] = [fields.indexOf('type'), fields.indexOf('self_size')];
  const own = OWN.map((name) => types[type].indexOf(name));
  let bytes = 0;
  for (let at = 0; at < nodes.length; at += fields.length)
    if (!own.includes(nodes[at + type])) bytes += nodes[at + size];
  return bytes;
}
