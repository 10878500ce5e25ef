-- Up Migration

-- What a worker serves, engine by engine: as which version, and how many samples at once. In the order of `engines`;
-- null for workers of before, which serve each engine with `concurrency`.
ALTER TABLE generation_worker
  ADD COLUMN versions text[],
  ADD COLUMN slots integer[],
  ADD CONSTRAINT generation_worker_versions_of_engines CHECK (cardinality(versions) = cardinality(engines)),
  ADD CONSTRAINT generation_worker_slots_of_engines CHECK (cardinality(slots) = cardinality(engines));

-- A caption of the user's own, said as it is; null where the captioner writes one.
ALTER TABLE generation_item ADD COLUMN caption text
  CONSTRAINT generation_item_caption_length CHECK (length(caption) BETWEEN 1 AND 2000);

-- Down Migration

ALTER TABLE generation_item DROP COLUMN caption;
ALTER TABLE generation_worker DROP COLUMN versions, DROP COLUMN slots;
