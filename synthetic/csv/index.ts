/** The entry `@twinkeep/synthetic/csv`: tables from CSV and back, streaming, with errors that name file, row and column. Runs anywhere. */
export { SyntheticError, type Place, type SyntheticErrorCode } from '../error.ts';
export { dateToDay, dayToDate } from '../formats/records.ts';
export { readCsv, type CsvOptions } from './read.ts';
export { tableToCsv } from './write.ts';
