-- Up Migration

-- Who may change things. Of a key only a digest is kept.
CREATE TABLE api_key (
  id text CONSTRAINT api_key_pkey PRIMARY KEY,
  name text NOT NULL,
  secret_sha256 bytea NOT NULL CONSTRAINT api_key_secret_length CHECK (octet_length(secret_sha256) = 32),
  requests_per_minute integer NOT NULL CONSTRAINT api_key_requests_positive CHECK (requests_per_minute > 0),
  items_per_request integer NOT NULL CONSTRAINT api_key_items_positive CHECK (items_per_request > 0),
  pending_items integer NOT NULL CONSTRAINT api_key_pending_positive CHECK (pending_items > 0),
  audio_seconds_per_day integer NOT NULL CONSTRAINT api_key_audio_positive CHECK (audio_seconds_per_day > 0),
  -- A token bucket: requests that are left, as of when. It refills with requests_per_minute.
  tokens double precision NOT NULL,
  tokens_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);

CREATE TABLE generation_request (
  seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT generation_request_pkey PRIMARY KEY,
  id text NOT NULL CONSTRAINT generation_request_id_key UNIQUE,
  -- Null for requests of the command line.
  api_key text CONSTRAINT generation_request_api_key_fkey REFERENCES api_key (id),
  idempotency_key text,
  -- What was asked, as it was sent.
  input jsonb NOT NULL,
  engine text NOT NULL,
  priority text NOT NULL CONSTRAINT generation_request_priority_known CHECK (priority IN ('HIGH', 'NORMAL', 'LOW')),
  -- Of each item.
  duration_seconds double precision NOT NULL,
  -- The data that attributes are completed from.
  data_version integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  -- Items by state, kept by a trigger.
  queued integer NOT NULL DEFAULT 0 CONSTRAINT generation_request_queued_count CHECK (queued >= 0),
  running integer NOT NULL DEFAULT 0 CONSTRAINT generation_request_running_count CHECK (running >= 0),
  succeeded integer NOT NULL DEFAULT 0 CONSTRAINT generation_request_succeeded_count CHECK (succeeded >= 0),
  failed integer NOT NULL DEFAULT 0 CONSTRAINT generation_request_failed_count CHECK (failed >= 0),
  canceled integer NOT NULL DEFAULT 0 CONSTRAINT generation_request_canceled_count CHECK (canceled >= 0),
  state text NOT NULL GENERATED ALWAYS AS (
    CASE
      WHEN running > 0 OR (queued > 0 AND succeeded + failed + canceled > 0) THEN 'RUNNING'
      WHEN queued > 0 THEN 'QUEUED'
      WHEN canceled > 0 THEN 'CANCELED'
      WHEN failed > 0 THEN 'FAILED'
      ELSE 'SUCCEEDED'
    END
  ) STORED,
  CONSTRAINT generation_request_idempotency_key UNIQUE (api_key, idempotency_key)
);
CREATE INDEX generation_request_state_idx ON generation_request (state, seq);
CREATE INDEX generation_request_api_key_idx ON generation_request (api_key, created_at);

-- One sample to be made. This row is the truth; the queue only carries its id.
CREATE TABLE generation_item (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT generation_item_pkey PRIMARY KEY,
  request bigint NOT NULL CONSTRAINT generation_item_request_fkey REFERENCES generation_request (seq),
  -- From 0 within the request.
  position integer NOT NULL,
  engine text NOT NULL,
  -- What makes it this sample and no other: the same recipe is never made twice.
  recipe text NOT NULL,
  asked smallint[] NOT NULL,
  forbidden smallint[] NOT NULL,
  completes boolean NOT NULL,
  seed integer NOT NULL,
  duration_seconds double precision NOT NULL CONSTRAINT generation_item_has_duration CHECK (duration_seconds > 0),
  -- Items of a lower rank go first.
  rank integer NOT NULL,
  state text NOT NULL DEFAULT 'QUEUED'
    CONSTRAINT generation_item_state_known CHECK (state IN ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED')),
  stage text CONSTRAINT generation_item_stage_known CHECK (stage IN ('ATTRIBUTES', 'CAPTION', 'AUDIO', 'STORE')),
  progress real NOT NULL DEFAULT 0 CONSTRAINT generation_item_progress_share CHECK (progress BETWEEN 0 AND 1),
  -- How often a worker has begun it, without those times when it was put back through no fault of its own.
  attempts integer NOT NULL DEFAULT 0,
  -- Held by the worker that makes it, and only for as long as that renews it.
  lease uuid,
  leased_until timestamptz,
  worker text,
  -- When it was last put into the queue; null where that is to be done, at not_before at the earliest.
  enqueued_at timestamptz,
  not_before timestamptz NOT NULL DEFAULT now(),
  error_code text,
  error_message text,
  sample_seq integer CONSTRAINT generation_item_sample_fkey REFERENCES sample (seq),
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  CONSTRAINT generation_item_position_key UNIQUE (request, position),
  CONSTRAINT generation_item_lease_while_running CHECK (
    (state = 'RUNNING') = (lease IS NOT NULL) AND (lease IS NULL) = (leased_until IS NULL)
  ),
  CONSTRAINT generation_item_sample_when_succeeded CHECK ((state = 'SUCCEEDED') = (sample_seq IS NOT NULL))
);
CREATE INDEX generation_item_queued_idx ON generation_item (engine, rank, id) WHERE state = 'QUEUED';
CREATE INDEX generation_item_running_idx ON generation_item (leased_until) WHERE state = 'RUNNING';
CREATE INDEX generation_item_recipe_idx ON generation_item (recipe) WHERE state IN ('QUEUED', 'RUNNING');
CREATE INDEX generation_item_finished_idx ON generation_item (engine, finished_at) WHERE state = 'SUCCEEDED';

-- Audio on its way into the store. Written before the bytes and deleted with the row that names them, so that bytes
-- without a row can be found.
CREATE TABLE audio_upload (
  sha256 bytea CONSTRAINT audio_upload_pkey PRIMARY KEY
    CONSTRAINT audio_upload_sha256_length CHECK (octet_length(sha256) = 32),
  item bigint NOT NULL CONSTRAINT audio_upload_item_fkey REFERENCES generation_item (id),
  lease uuid NOT NULL
);

CREATE TABLE generation_worker (
  id text CONSTRAINT generation_worker_pkey PRIMARY KEY,
  host text NOT NULL,
  pid integer NOT NULL,
  engines text[] NOT NULL,
  concurrency integer NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now()
);

-- Keeps the counts of requests, whatever changes items, and announces each request whose items changed in what a
-- client can see.
CREATE FUNCTION count_new_generation_items() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE generation_request r SET queued = r.queued + added.items
  FROM (SELECT request, count(*) AS items FROM new_items GROUP BY request) AS added WHERE r.seq = added.request;
  PERFORM pg_notify('generation_updated', r.id)
  FROM generation_request r WHERE r.seq IN (SELECT request FROM new_items);
  RETURN NULL;
END $$;

-- Sums and set operations, no join of the old rows with the new ones: thousands of items may change in one statement, and
-- the planner knows nothing about transition tables.
CREATE FUNCTION count_changed_generation_items() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  -- In one order, so that two statements over several requests cannot wait for each other.
  changed bigint[] := ARRAY(
    SELECT DISTINCT request FROM (
      SELECT id, request, state FROM new_items EXCEPT SELECT id, request, state FROM old_items
    ) AS items ORDER BY request
  );
BEGIN
  PERFORM FROM generation_request WHERE seq = ANY (changed) ORDER BY seq FOR UPDATE;
  UPDATE generation_request r SET
    queued = r.queued + change.queued,
    running = r.running + change.running,
    succeeded = r.succeeded + change.succeeded,
    failed = r.failed + change.failed,
    canceled = r.canceled + change.canceled,
    finished_at = CASE WHEN r.queued + change.queued + r.running + change.running = 0 THEN now() END
  FROM (
    SELECT request,
      sum(sign) FILTER (WHERE state = 'QUEUED') AS queued,
      sum(sign) FILTER (WHERE state = 'RUNNING') AS running,
      sum(sign) FILTER (WHERE state = 'SUCCEEDED') AS succeeded,
      sum(sign) FILTER (WHERE state = 'FAILED') AS failed,
      sum(sign) FILTER (WHERE state = 'CANCELED') AS canceled
    FROM (
      SELECT request, state, 1 AS sign FROM new_items UNION ALL SELECT request, state, -1 FROM old_items
      -- One of each, so that no sum is null.
      UNION ALL SELECT request, unnest(ARRAY['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED']), 0
      FROM unnest(changed) AS request
    ) AS counted GROUP BY request
  ) AS change WHERE r.seq = change.request AND r.seq = ANY (changed);
  PERFORM pg_notify('generation_updated', r.id) FROM generation_request r WHERE r.seq IN (
    SELECT request FROM (
      SELECT id, request, state, stage, progress FROM new_items
      EXCEPT SELECT id, request, state, stage, progress FROM old_items
    ) AS items
  );
  RETURN NULL;
END $$;

CREATE TRIGGER generation_item_inserted AFTER INSERT ON generation_item
  REFERENCING NEW TABLE AS new_items FOR EACH STATEMENT EXECUTE FUNCTION count_new_generation_items();
CREATE TRIGGER generation_item_updated AFTER UPDATE ON generation_item
  REFERENCING OLD TABLE AS old_items NEW TABLE AS new_items
  FOR EACH STATEMENT EXECUTE FUNCTION count_changed_generation_items();

-- Provenance names its stages alike from here on.
UPDATE provenance SET content = jsonb_build_object(
  'recipe', s.source_id,
  'request', NULL,
  'askedAttributes', content -> 'askedAttributes',
  'engine', content -> 'engine',
  'engineVersion', content -> 'engineVersion',
  'seed', content -> 'seed',
  'durationSeconds', content -> 'durationSeconds',
  'stages', CASE WHEN content ->> 'attributeCompleter' IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(
    jsonb_build_object(
      'stage', 'ATTRIBUTES', 'name', content -> 'attributeCompleter', 'version', content -> 'attributeCompleterVersion',
      'isPlaceholder', true, 'models', '[]'::jsonb, 'parameters', '{}'::jsonb,
      'output', NULL, 'milliseconds', NULL)) END || jsonb_build_array(
    jsonb_build_object(
      'stage', 'CAPTION', 'name', content -> 'captionWriter', 'version', content -> 'captionWriterVersion',
      'isPlaceholder', true, 'models', '[]'::jsonb, 'parameters', '{}'::jsonb,
      'output', s.caption, 'milliseconds', content -> 'stageMilliseconds' -> 'caption'),
    jsonb_build_object(
      'stage', 'AUDIO', 'name', 'soundfont', 'version', content -> 'engineVersion',
      'isPlaceholder', false, 'models', '[]'::jsonb, 'parameters', '{}'::jsonb,
      'output', encode(s.audio_sha256, 'hex'), 'milliseconds', content -> 'stageMilliseconds' -> 'audio'))
) FROM sample s WHERE s.seq = provenance.sample_seq;

-- Down Migration

DROP TABLE audio_upload, generation_worker, generation_item, generation_request, api_key;
DROP FUNCTION count_new_generation_items, count_changed_generation_items;
