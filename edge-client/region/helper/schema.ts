/**
 * The mask helper's database. Who owns it as bytes reads which rounds there were, how many reports each had and what this helper
 * answered: all of that is public. Seeds and epoch keys are sealed under a key that follows from the helper's key file, outside of
 * the database, and are erased when their round is over. Flags are kept for ever: who puts an old copy of this database back takes
 * the helper's memory of what it has answered, so a restored helper must not go on before every round of the backup is over.
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
    e: number;
    reveal_deadline: string;
    sc_hash: string | null;
    revealed: boolean;
    closed: boolean;
  };
  verdict: {
    rc_hash: string;
    header_hash: string;
    sub_tag: Buffer | null;
    code: string | null;
    twins: number;
    seeds: Buffer | null;
  };
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

export const HELPER_SCHEMA: readonly string[] = [FIRST];
