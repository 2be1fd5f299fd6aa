/**
 * The mask helper's database. Who owns it as bytes reads which rounds there were, how many reports each had and what this helper
 * answered: all of that is public. Seeds and epoch keys are sealed under a key that follows from the helper's key file, outside of
 * the database, and are erased when their round is over. Flags, participations and the position in the log are kept for ever: who puts
 * an old copy of this database back takes the helper's memory of what it has answered and of whose budget that has spent, so a
 * restored helper must not go on before every round of the backup is over.
 */
export interface HelperTables {
  helper: { id: number; j: number; key_id: string };
  epoch: {
    e: number;
    box_key: string;
    private_key: Buffer | null;
    not_before: string;
    not_after: string;
  };
  round: {
    rc_hash: string;
    task_id: string;
    round: number;
    e: number | null;
    reveal_deadline: string;
    sc_hash: string | null;
    revealed: boolean;
    closed: boolean;
    kind: 'train' | 'evaluate' | null;
    model_hash: string | null;
    cap: number | null;
    named: boolean;
  };
  verdict: {
    rc_hash: string;
    header_hash: string;
    sub_tag: Buffer | null;
    code: string | null;
    twins: number;
    seeds: Buffer | null;
    participant: Buffer | null;
  };
  participation: {
    rc_hash: string;
    participant: Buffer;
    task_id: string;
    kind: 'train' | 'evaluate';
  };
  log: {
    id: number;
    size: string;
    peaks: Buffer;
    note: string | null;
    refused: string | null;
    refused_note: string | null;
  };
  logged_set: { leaf: string; rc_hash: string; sc_hash: string };
}

const FIRST = `
CREATE TABLE helper (
  id int PRIMARY KEY CHECK (id = 1),
  j int NOT NULL,
  key_id text NOT NULL
);
COMMENT ON TABLE helper IS 'Whose database this is; one row';
COMMENT ON COLUMN helper.id IS 'Always 1';
COMMENT ON COLUMN helper.j IS 'Number of the helper';
COMMENT ON COLUMN helper.key_id IS 'Its long-lived public key';

CREATE TABLE epoch (
  e int PRIMARY KEY,
  box_key text NOT NULL,
  private_key bytea,
  not_before bigint NOT NULL,
  not_after bigint NOT NULL
);
COMMENT ON TABLE epoch IS 'Box keys of this helper, each good for rounds that open within a day';
COMMENT ON COLUMN epoch.e IS 'Number of the epoch, from 1';
COMMENT ON COLUMN epoch.box_key IS 'X25519 public key';
COMMENT ON COLUMN epoch.private_key IS 'Its private key, sealed; null once no round needs it any more';
COMMENT ON COLUMN epoch.not_before IS 'Milliseconds since 1970';
COMMENT ON COLUMN epoch.not_after IS 'Milliseconds since 1970';

CREATE TABLE round (
  rc_hash text PRIMARY KEY,
  task_id text NOT NULL,
  round int NOT NULL,
  e int NOT NULL REFERENCES epoch,
  reveal_deadline bigint NOT NULL,
  sc_hash text,
  revealed boolean NOT NULL DEFAULT false,
  closed boolean NOT NULL DEFAULT false,
  UNIQUE (task_id, round),
  CHECK (sc_hash IS NOT NULL OR NOT revealed)
);
COMMENT ON TABLE round IS 'Rounds that this helper lends a hand to; one configuration per task and round, for ever';
COMMENT ON COLUMN round.rc_hash IS 'Hash of the round configuration';
COMMENT ON COLUMN round.task_id IS 'The task';
COMMENT ON COLUMN round.round IS 'Number of the round; a round has one group, so this row is the flag of the group too';
COMMENT ON COLUMN round.e IS 'Epoch whose key the boxes of this round are made for';
COMMENT ON COLUMN round.reveal_deadline IS 'Milliseconds since 1970; nothing is answered after it';
COMMENT ON COLUMN round.sc_hash IS 'The one set that this helper is ready for; once set it never changes';
COMMENT ON COLUMN round.revealed IS 'Set before the sums of that set are computed';
COMMENT ON COLUMN round.closed IS 'Seeds are erased; nothing is answered any more';

CREATE TABLE verdict (
  rc_hash text NOT NULL REFERENCES round,
  header_hash text NOT NULL,
  sub_tag bytea,
  code text,
  twins int NOT NULL,
  seeds bytea,
  PRIMARY KEY (rc_hash, header_hash),
  UNIQUE (rc_hash, sub_tag),
  CHECK (code IS NULL OR seeds IS NULL)
);
COMMENT ON TABLE verdict IS 'What this helper said of each report; given once';
COMMENT ON COLUMN verdict.rc_hash IS 'The round';
COMMENT ON COLUMN verdict.header_hash IS 'Hash of the header of the report';
COMMENT ON COLUMN verdict.sub_tag IS 'Hash of round and pseudonym: two reports of one participant in a round collide; null where refused';
COMMENT ON COLUMN verdict.code IS 'Why the report was refused; null: accepted';
COMMENT ON COLUMN verdict.twins IS 'Twins that the header claims; 0 where refused';
COMMENT ON COLUMN verdict.seeds IS 'Mask seeds of an accepted report, sealed; null once the round is over';
`;

const SECOND = `
ALTER TABLE round ALTER COLUMN e DROP NOT NULL;
ALTER TABLE round ADD COLUMN kind text;
ALTER TABLE round ADD COLUMN model_hash text;
ALTER TABLE round ADD COLUMN cap int;
ALTER TABLE round ADD COLUMN named boolean NOT NULL DEFAULT true;
ALTER TABLE round ALTER COLUMN named DROP DEFAULT;
CREATE INDEX ON round (task_id, model_hash, kind);
COMMENT ON COLUMN round.e IS 'Epoch whose key the boxes of this round are made for; null where it was closed before it was taken on';
COMMENT ON COLUMN round.kind IS 'Whether the round trains or evaluates; null in rounds of earlier versions';
COMMENT ON COLUMN round.model_hash IS 'Model that is reported on; null in rounds of earlier versions';
COMMENT ON COLUMN round.cap IS 'Most rounds of this kind that one participant may be in; null: sums carry no noise, so there is no budget';
COMMENT ON COLUMN round.named IS 'The coordinator has named it as a round at work; false: only its configuration was signed so far';

ALTER TABLE verdict ADD COLUMN participant bytea;
COMMENT ON COLUMN verdict.participant IS 'Hash of task and pseudonym: whose budget an answer spends; null where refused, or where there is no budget';

CREATE TABLE participation (
  rc_hash text NOT NULL REFERENCES round,
  participant bytea NOT NULL,
  task_id text NOT NULL,
  kind text NOT NULL,
  PRIMARY KEY (rc_hash, participant)
);
CREATE INDEX ON participation (task_id, participant, kind);
COMMENT ON TABLE participation IS 'Privacy budget that is spent: written in the transaction that lets the sums of a round leave';
COMMENT ON COLUMN participation.rc_hash IS 'The round';
COMMENT ON COLUMN participation.participant IS 'Hash of task and pseudonym';
COMMENT ON COLUMN participation.task_id IS 'The task';
COMMENT ON COLUMN participation.kind IS 'Kind of the round: trainings and evaluations have budgets of their own';

CREATE TABLE log (
  id int PRIMARY KEY CHECK (id = 1),
  size bigint NOT NULL,
  peaks bytea NOT NULL,
  note text,
  refused text,
  refused_note text
);
INSERT INTO log (id, size, peaks) VALUES (1, 0, '');
COMMENT ON TABLE log IS 'How far this helper has read the audit log; one row';
COMMENT ON COLUMN log.id IS 'Always 1';
COMMENT ON COLUMN log.size IS 'Leaves read, all of them, from the first on';
COMMENT ON COLUMN log.peaks IS 'Hashes of the complete subtrees at the right edge of that tree, 32 bytes each: enough to go on, and for the root';
COMMENT ON COLUMN log.note IS 'The signed checkpoint that those leaves make';
COMMENT ON COLUMN log.refused IS 'Why this log is followed no further: it was shown not to continue what was read; null: it is sound';
COMMENT ON COLUMN log.refused_note IS 'The signed checkpoint that shows it; with note, what the operator takes to the coordinator and to others';

CREATE TABLE logged_set (
  leaf bigint PRIMARY KEY,
  rc_hash text NOT NULL,
  sc_hash text NOT NULL
);
CREATE INDEX ON logged_set (rc_hash);
COMMENT ON TABLE logged_set IS 'Every set commit in the log up to log.size';
COMMENT ON COLUMN logged_set.leaf IS 'Its place in the log';
COMMENT ON COLUMN logged_set.rc_hash IS 'The round that it fixes a set of';
COMMENT ON COLUMN logged_set.sc_hash IS 'Hash of the commit';
`;

export const HELPER_SCHEMA: readonly string[] = [FIRST, SECOND];
