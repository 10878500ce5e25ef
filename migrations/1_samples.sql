-- Up Migration

-- The data version and the next row number. Every writer locks this row, so that versions and row numbers grow in
-- commit order: a reader that has seen version v has seen every row of it.
CREATE TABLE data_state (
  singleton boolean NOT NULL DEFAULT true CONSTRAINT data_state_pkey PRIMARY KEY CONSTRAINT data_state_one_row CHECK (singleton),
  version integer NOT NULL,
  next_seq integer NOT NULL,
  -- The concept list that `carries` and `mentions` were derived with, and the version at which that was done.
  concept_list_sha256 text,
  derived_version integer NOT NULL
);
INSERT INTO data_state (version, next_seq, derived_version) VALUES (0, 0, 0);

-- Signs audio URLs on local disk; shared by all replicas of one database.
CREATE TABLE signing_key (
  singleton boolean NOT NULL DEFAULT true CONSTRAINT signing_key_pkey PRIMARY KEY CONSTRAINT signing_key_one_row CHECK (singleton),
  key bytea NOT NULL CONSTRAINT signing_key_length CHECK (octet_length(key) = 32)
);

CREATE TABLE source (
  id smallint GENERATED ALWAYS AS IDENTITY CONSTRAINT source_pkey PRIMARY KEY,
  name text NOT NULL CONSTRAINT source_name_key UNIQUE,
  origin text NOT NULL CONSTRAINT source_origin_known CHECK (origin IN ('STARTER', 'IMPORTED', 'GENERATED')),
  license text,
  citation text,
  url text,
  revision text
);

CREATE TABLE audio (
  sha256 bytea CONSTRAINT audio_pkey PRIMARY KEY CONSTRAINT audio_sha256_length CHECK (octet_length(sha256) = 32),
  size_bytes bigint NOT NULL CONSTRAINT audio_not_empty CHECK (size_bytes > 0),
  duration_seconds double precision NOT NULL CONSTRAINT audio_has_duration CHECK (duration_seconds > 0),
  sample_rate_hz integer NOT NULL,
  channels smallint NOT NULL,
  media_type text NOT NULL,
  encoding text NOT NULL
);

-- A sample is never changed but in three ways, each with the version at which it happened: it gets audio, it is
-- retired, and its derived columns follow the concept list.
CREATE TABLE sample (
  seq integer CONSTRAINT sample_pkey PRIMARY KEY,
  id text NOT NULL CONSTRAINT sample_id_key UNIQUE,
  source_id text NOT NULL,
  caption text NOT NULL,
  attributes smallint[] NOT NULL,
  carries smallint[] NOT NULL,
  mentions smallint[] NOT NULL,
  source smallint NOT NULL CONSTRAINT sample_source_fkey REFERENCES source (id),
  split text,
  added_version integer NOT NULL,
  audio_sha256 bytea CONSTRAINT sample_audio_fkey REFERENCES audio (sha256),
  audio_version integer,
  retired_version integer,
  caption_words tsvector GENERATED ALWAYS AS (to_tsvector('english', caption)) STORED,
  CONSTRAINT sample_audio_has_version CHECK ((audio_sha256 IS NULL) = (audio_version IS NULL))
);
CREATE INDEX sample_caption_words_idx ON sample USING gin (caption_words);
CREATE INDEX sample_source_id_idx ON sample (source_id);
CREATE INDEX sample_audio_version_idx ON sample (audio_version) WHERE audio_version IS NOT NULL;
CREATE INDEX sample_retired_version_idx ON sample (retired_version) WHERE retired_version IS NOT NULL;

-- Every row of a source in which a sample was met: the same triplet can stand in several configurations.
CREATE TABLE source_row (
  source smallint NOT NULL CONSTRAINT source_row_source_fkey REFERENCES source (id),
  config text NOT NULL,
  split text NOT NULL,
  file text NOT NULL,
  row_number integer NOT NULL,
  sample_seq integer NOT NULL CONSTRAINT source_row_sample_fkey REFERENCES sample (seq),
  CONSTRAINT source_row_pkey PRIMARY KEY (source, config, split, file, row_number)
);
CREATE INDEX source_row_sample_seq_idx ON source_row (sample_seq);

-- Down Migration

DROP TABLE source_row, sample, audio, source, signing_key, data_state;
