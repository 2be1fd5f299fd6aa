// Adds versions to a registry: FOLDER FILE COUNT; endlessly without a COUNT, for whoever kills it.
import { createRegistry } from '@twinkeep/synthetic/node';

const [folder, file, count] = process.argv.slice(2);
const registry = createRegistry(folder, () => new Date());
for (let i = 0; count === undefined || i < Number(count); i++) {
  const data = await registry.store(file, 'text/csv');
  await registry.add({
    name: 'people',
    title: `of process ${process.pid}`,
    licence: null,
    rows: 1,
    schema: { columns: [{ kind: 'category', name: 'a', words: ['x'] }] },
    files: { data },
    provenance: { kind: 'stated', source: null },
    figures: null,
  });
}
