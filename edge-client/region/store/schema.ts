/**
 * The region node's database. Who owns it as bytes reads subject ids (pseudonyms), which twin has how many rows, on which day an
 * event lapses, and what was public anyway (checkpoint, headers and bytes of masked reports). Everything about a customer is in
 * the `sealed` columns, under that twin's key, which is itself sealed under the node's wrapping key, a file outside of the
 * database. Who can write to it can delete and put back old rows, but not move or alter a sealed one unseen: what is sealed is
 * bound to its twin, table and row.
 */
export interface RegionTables {
  node: { id: number; secret: Buffer; checkpoint: string | null };
  twin: { subject: string; revision: string };
  twin_key: { subject: string; wrapped: Buffer };
  binding: { tag: Buffer; subject: string; sealed: Buffer };
  event: { subject: string; tag: Buffer; last_day: number; sealed: Buffer };
  feature: { subject: string; sealed: Buffer };
  consent: { tag: Buffer; subject: string; position: number; sealed: Buffer; receipt: Buffer | null };
  role: { subject: string; task_id: string; sealed: Buffer };
  planned_withdrawal: { subject: string; sealed: Buffer };
  report: {
    rc_hash: string;
    task_id: string;
    round: number;
    kind: 'train' | 'evaluate';
    model_hash: string;
    header_hash: string;
    outcome: 'pending' | 'accepted' | 'refused' | 'released' | 'counted';
    bytes: Buffer | null;
  };
}

/** Carries no payload. */
export const CHANGE_CHANNEL = 'twinkeep_twins';

const FIRST = `
CREATE TABLE node (
  id int PRIMARY KEY CHECK (id = 1),
  secret bytea NOT NULL,
  checkpoint text
);
COMMENT ON TABLE node IS 'What this node keeps about itself; one row';
COMMENT ON COLUMN node.id IS 'Always 1';
COMMENT ON COLUMN node.secret IS 'Random key behind subject ids and row tags, sealed under the wrapping key';
COMMENT ON COLUMN node.checkpoint IS 'Last checkpoint of the audit log that was found consistent; public';

CREATE SEQUENCE twin_revision;
CREATE TABLE twin (
  subject text COLLATE "C" PRIMARY KEY,
  revision bigint NOT NULL DEFAULT nextval('twin_revision')
);
COMMENT ON TABLE twin IS 'The twins that this node keeps';
COMMENT ON COLUMN twin.subject IS 'Pairwise pseudonym, 16 bytes in base64url';
COMMENT ON COLUMN twin.revision IS 'Changes with every change of the twin: what is cached under another revision is stale';

CREATE TABLE twin_key (
  subject text COLLATE "C" PRIMARY KEY REFERENCES twin ON DELETE CASCADE,
  wrapped bytea NOT NULL
);
COMMENT ON TABLE twin_key IS 'One key per twin; without its row everything sealed of that twin is lost for good';
COMMENT ON COLUMN twin_key.subject IS 'The twin';
COMMENT ON COLUMN twin_key.wrapped IS 'Its 32-byte key, sealed under the wrapping key of the node';

CREATE TABLE binding (
  tag bytea PRIMARY KEY,
  subject text COLLATE "C" NOT NULL REFERENCES twin ON DELETE CASCADE,
  sealed bytea NOT NULL
);
CREATE INDEX ON binding (subject);
COMMENT ON TABLE binding IS 'Identifiers that lead to a twin, such as a customer number';
COMMENT ON COLUMN binding.tag IS 'HMAC of the identifier under the secret of the node: finds it, does not show it';
COMMENT ON COLUMN binding.subject IS 'The twin';
COMMENT ON COLUMN binding.sealed IS 'The identifier, sealed under the key of the twin';

CREATE TABLE event (
  subject text COLLATE "C" NOT NULL REFERENCES twin ON DELETE CASCADE,
  tag bytea NOT NULL,
  last_day int NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (subject, tag)
);
CREATE INDEX ON event (last_day);
COMMENT ON TABLE event IS 'What happened, labels included';
COMMENT ON COLUMN event.subject IS 'The twin';
COMMENT ON COLUMN event.tag IS 'HMAC of the event id under the key of the twin: keeps ids unique';
COMMENT ON COLUMN event.last_day IS 'Last day of retention, in days since 1970-01-01 UTC';
COMMENT ON COLUMN event.sealed IS 'The event, sealed under the key of the twin';

CREATE TABLE feature (
  subject text COLLATE "C" PRIMARY KEY REFERENCES twin ON DELETE CASCADE,
  sealed bytea NOT NULL
);
COMMENT ON TABLE feature IS 'Feature state of a twin';
COMMENT ON COLUMN feature.subject IS 'The twin';
COMMENT ON COLUMN feature.sealed IS 'The state, sealed under the key of the twin';

CREATE TABLE consent (
  tag bytea PRIMARY KEY,
  subject text COLLATE "C" NOT NULL REFERENCES twin ON DELETE CASCADE,
  position int NOT NULL,
  sealed bytea NOT NULL,
  receipt bytea,
  UNIQUE (subject, position)
);
CREATE INDEX ON consent (subject, position) WHERE receipt IS NULL;
COMMENT ON TABLE consent IS 'Signed consent events; those without a receipt are the outbox to the coordinator';
COMMENT ON COLUMN consent.tag IS 'HMAC of the event id under the secret of the node';
COMMENT ON COLUMN consent.subject IS 'The twin';
COMMENT ON COLUMN consent.position IS 'Place in the chain of the twin, from 0';
COMMENT ON COLUMN consent.sealed IS 'The signed event (JWS), sealed under the key of the twin';
COMMENT ON COLUMN consent.receipt IS 'Where it stands in the audit log, sealed under the key of the twin';

CREATE TABLE role (
  subject text COLLATE "C" NOT NULL REFERENCES twin ON DELETE CASCADE,
  task_id text NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (task_id, subject)
);
CREATE INDEX ON role (subject);
COMMENT ON TABLE role IS 'Whether a twin trains or is held out in a task; drawn once';
COMMENT ON COLUMN role.subject IS 'The twin';
COMMENT ON COLUMN role.task_id IS 'The task; public';
COMMENT ON COLUMN role.sealed IS 'The role, sealed under the key of the twin';

CREATE TABLE planned_withdrawal (
  subject text COLLATE "C" PRIMARY KEY REFERENCES twin ON DELETE CASCADE,
  sealed bytea NOT NULL
);
COMMENT ON TABLE planned_withdrawal IS 'Demos only: customers of an invented population who will withdraw during the task';
COMMENT ON COLUMN planned_withdrawal.subject IS 'The twin';
COMMENT ON COLUMN planned_withdrawal.sealed IS 'After which share of the rounds, sealed under the key of the twin';

CREATE TABLE report (
  rc_hash text PRIMARY KEY,
  task_id text NOT NULL,
  round int NOT NULL,
  kind text NOT NULL CHECK (kind IN ('train', 'evaluate')),
  model_hash text NOT NULL,
  header_hash text NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('pending', 'accepted', 'refused', 'released')),
  bytes bytea,
  UNIQUE (task_id, round)
);
CREATE UNIQUE INDEX report_once_per_model ON report (task_id, model_hash, kind) WHERE outcome <> 'released';
COMMENT ON TABLE report IS 'Reports of this node; masked, so they show no twin';
COMMENT ON COLUMN report.rc_hash IS 'Hash of the round configuration';
COMMENT ON COLUMN report.task_id IS 'The task';
COMMENT ON COLUMN report.round IS 'Number of the round';
COMMENT ON COLUMN report.kind IS 'Kind of the round';
COMMENT ON COLUMN report.model_hash IS 'Model that was reported on';
COMMENT ON COLUMN report.header_hash IS 'Hash of the header of the report';
COMMENT ON COLUMN report.outcome IS 'pending until the coordinator answered; released where the round was abandoned unopened';
COMMENT ON COLUMN report.bytes IS 'The report as it was sent; erased once the outcome is known';
`;

const SECOND = `
ALTER TABLE report DROP CONSTRAINT report_outcome_check;
ALTER TABLE report ADD CONSTRAINT report_outcome_check
  CHECK (outcome IN ('pending', 'accepted', 'refused', 'released', 'counted'));
DROP INDEX report_once_per_model;
CREATE UNIQUE INDEX report_once_per_model ON report (task_id, model_hash, kind)
  WHERE outcome NOT IN ('released', 'counted');
COMMENT ON COLUMN report.outcome IS
  'pending until the coordinator answered; released where the round was abandoned unopened; counted where its model was reported on again, with noise';
`;

export const REGION_SCHEMA: readonly string[] = [FIRST, SECOND];
