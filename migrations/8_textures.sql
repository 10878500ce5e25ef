-- Up Migration

-- How much a counterfactual is to have between its beats, where its original has another texture than its own attributes
-- ask for.
ALTER TABLE generation_item ADD COLUMN texture text
  CONSTRAINT generation_item_texture_known CHECK (texture IN ('full', 'spare'));

-- Down Migration

ALTER TABLE generation_item DROP COLUMN texture;
