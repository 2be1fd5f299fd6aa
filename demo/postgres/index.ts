export { createPartyDatabase, dropPartyDatabase } from './party.ts';
export { startPostgres, type PostgresServer } from './server.ts';
