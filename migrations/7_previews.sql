-- Up Migration

-- Whether what is there of a clip can be heard while it is made.
ALTER TABLE generation_request ADD COLUMN previews boolean NOT NULL DEFAULT false;

-- The clip so far, in the audio store: announced in audio_upload as every upload, under the lease of the worker that makes
-- it, so that it is cleared away when that is over.
ALTER TABLE generation_item
  ADD COLUMN preview_sha256 bytea CONSTRAINT generation_item_preview_length CHECK (octet_length(preview_sha256) = 32),
  ADD COLUMN preview_seconds double precision
    CONSTRAINT generation_item_preview_has_duration CHECK (preview_seconds > 0),
  ADD CONSTRAINT generation_item_preview_whole CHECK ((preview_sha256 IS NULL) = (preview_seconds IS NULL)),
  ADD CONSTRAINT generation_item_preview_while_running CHECK (preview_sha256 IS NULL OR state = 'RUNNING');

-- It goes with the lease, whatever ends that.
CREATE FUNCTION drop_generation_preview() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.preview_sha256 := NULL;
  NEW.preview_seconds := NULL;
  RETURN NEW;
END $$;

CREATE TRIGGER generation_item_lease_over BEFORE UPDATE ON generation_item FOR EACH ROW
  WHEN (OLD.preview_sha256 IS NOT NULL AND NEW.lease IS DISTINCT FROM OLD.lease)
  EXECUTE FUNCTION drop_generation_preview();

-- Down Migration

DROP TRIGGER generation_item_lease_over ON generation_item;
DROP FUNCTION drop_generation_preview;
ALTER TABLE generation_item DROP COLUMN preview_sha256, DROP COLUMN preview_seconds;
ALTER TABLE generation_request DROP COLUMN previews;
