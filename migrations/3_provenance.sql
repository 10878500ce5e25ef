-- Up Migration

-- How a generated sample was made: everything that is needed to make it again.
CREATE TABLE provenance (
  sample_seq integer CONSTRAINT provenance_pkey PRIMARY KEY CONSTRAINT provenance_sample_fkey REFERENCES sample (seq),
  content jsonb NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now()
);

-- Down Migration

DROP TABLE provenance;
