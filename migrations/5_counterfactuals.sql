-- Up Migration

-- The same piece with something removed, added or swapped, and nothing else changed.
CREATE TABLE counterfactual (
  sample_seq integer CONSTRAINT counterfactual_sample_fkey REFERENCES sample (seq),
  of_seq integer CONSTRAINT counterfactual_of_fkey REFERENCES sample (seq),
  -- The data version from which on the two are known as a pair.
  version integer NOT NULL,
  CONSTRAINT counterfactual_pkey PRIMARY KEY (sample_seq, of_seq),
  CONSTRAINT counterfactual_of_another CHECK (sample_seq <> of_seq)
);
CREATE INDEX counterfactual_of_idx ON counterfactual (of_seq);
CREATE INDEX counterfactual_version_idx ON counterfactual (version);

ALTER TABLE generation_item ADD COLUMN counterfactual_of integer
  CONSTRAINT generation_item_counterfactual_of_fkey REFERENCES sample (seq);

-- Down Migration

ALTER TABLE generation_item DROP COLUMN counterfactual_of;
DROP TABLE counterfactual;
