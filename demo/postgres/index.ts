export { createPartyDatabase, dropPartyDatabases } from './party.ts';
export { startPostgres, type PostgresServer } from './server.ts';
