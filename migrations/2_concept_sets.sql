-- Up Migration

-- Samples of one source id are variants of one another: a concept set holds at most one of them. The row number of the
-- first sample with the same source id stands for the group.
ALTER TABLE sample ADD COLUMN group_seq integer;
UPDATE sample SET group_seq = first.seq
FROM (SELECT source_id, min(seq) AS seq FROM sample GROUP BY source_id) AS first
WHERE sample.source_id = first.source_id;
ALTER TABLE sample ALTER COLUMN group_seq SET NOT NULL;

-- A frozen concept set. Never changed: its id is a digest of what it holds.
CREATE TABLE concept_set (
  id text CONSTRAINT concept_set_pkey PRIMARY KEY,
  data_version integer NOT NULL,
  -- The concept list by which it was selected.
  concept_list_sha256 text NOT NULL,
  content jsonb NOT NULL,
  frozen_at timestamptz NOT NULL DEFAULT now()
);

-- Down Migration

DROP TABLE concept_set;
ALTER TABLE sample DROP COLUMN group_seq;
