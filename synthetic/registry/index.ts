/** The entry `@twinkeep/synthetic/registry`: versions of data sets, what changed between them, their DCAT description. Runs anywhere. */
export { versionToDcat } from './dcat.ts';
export {
  diffVersions,
  type ColumnShift,
  type EffectName,
  type VersionDiff,
  type VersionRows,
} from './diff.ts';
export {
  NAME,
  parseFigures,
  parseVersion,
  ROLES,
  type DataSetVersion,
  type Figures,
  type Provenance,
  type Role,
  type StoredFile,
} from './version.ts';
export { diffToText, versionToText } from './words.ts';
