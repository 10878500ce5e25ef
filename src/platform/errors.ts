/**
 * Errors a user can cause. Everything else is ours and leaves the server masked.
 *
 * The list of codes is closed; `docs/errors.md` is generated from it.
 */
export const ERROR_CODES = {
  BAD_USER_INPUT: 'An argument is malformed or out of range. The message names the field and the allowed range.',
  UNKNOWN_ATTRIBUTE: 'No such attribute in the taxonomy. `extensions.suggestions` lists the nearest names.',
  UNKNOWN_CONCEPT: 'No such concept in the curated list. `extensions.suggestions` lists the nearest names.',
  UNKNOWN_SPLIT: 'No row has this split. `extensions.suggestions` lists the splits that exist.',
  UNKNOWN_SOURCE: 'No source of this name. `extensions.suggestions` lists the sources that exist.',
  CONTRADICTORY_SCOPE: 'No row can be on one of the two sides, whatever the data. The message says what excludes what.',
  CONTRADICTORY_ATTRIBUTES: 'Attributes to generate from exclude each other. The message names the pair.',
  UNSUPPORTED_ATTRIBUTE:
    'The engine cannot honour the attribute. The message says why; `engines { unsupported }` lists them.',
  UNSATISFIABLE_SCOPE: 'No sample can be generated that the scope holds. The message says what it asks for in vain.',
  UNKNOWN_GENERATION: 'No generation request has this id. Ids begin with g_ and come from requestGeneration.',
  NOT_YOUR_GENERATION: 'The generation request was made with another API key; only that one may change it.',
  IDEMPOTENCY_KEY_REUSED: 'The idempotency key stands for another request already. Take a new one for each request.',
  UNAUTHENTICATED: 'An API key is needed, or the one that was sent is not known or was revoked (HTTP 401).',
  RATE_LIMITED: 'Too many requests with this API key. `extensions.retryAfterSeconds` says when to try again.',
  TOO_MANY_ITEMS: 'More samples at once than the API key may ask for. Ask for fewer, in several requests.',
  TOO_MANY_PENDING_ITEMS:
    'Too many samples wait for this API key. `extensions.retryAfterSeconds` says when to try again.',
  AUDIO_BUDGET_SPENT:
    'The seconds of audio that the API key may have made in a day are spent. `extensions.retryAfterSeconds` says when there are enough again.',
  UNKNOWN_API_KEY: 'No API key has this id or name. `conceptcaps keys list` shows them.',
  UNKNOWN_DATA_VERSION: 'The data never had this version, or it cannot be gone back to. The message says why.',
  UNKNOWN_CONCEPT_SET: 'No frozen concept set has this id. Ids begin with cs_ and come from freezeConceptSet.',
  EXPIRED_URL:
    'A URL of audio or of a set is past its expiry (HTTP 403). Ask for the sample or set again to get a new one.',
  FORGED_URL: 'A URL of audio or of a set was not signed by this server, or was changed (HTTP 403). Copy it whole.',
  INVALID_CURSOR: 'The cursor was not made by this connection. Take one from `pageInfo` or an edge.',
  QUERY_TOO_COMPLEX: 'The query asks for too much at once. Ask for fewer rows or fewer nested fields.',
  UNKNOWN_MODEL: 'No model has this name. `extensions.suggestions` lists those that there are.',
  UNSUPPORTED_MODEL: 'The model is known, and no engine here can run it. The message says why, and what can be run.',
  MODEL_UNAVAILABLE: 'A model that is needed is missing, damaged or too busy. The message says which, and the way out.',
  INVALID_CONFIG: 'An environment variable has a wrong value. The message names it.',
  DATA_DIR_IN_USE: 'Another server runs on this data directory. Stop it, or give this one another DATA_DIR.',
  DATABASE_UNAVAILABLE: 'PostgreSQL cannot be reached or started. The message says what was tried.',
  DISK_FULL: 'There is too little room on the disk. The message says how much is needed, how much is free, and where.',
  STORAGE_UNAVAILABLE: 'The audio store cannot be reached. The message says what was tried.',
  QUEUE_UNAVAILABLE: 'The job queue cannot be reached. The message says what was tried.',
  SOURCE_NOT_FOUND: 'Nothing to import at this place. The message says what was looked for.',
  SOURCE_DENIED: 'The hub refused access. Set HF_TOKEN to a token that may read the data set.',
  SOURCE_UNAVAILABLE: 'The hub could not be reached or broke off too often. Running the command again continues.',
  SOURCE_CORRUPT: 'A file is not what it claims to be (checksum, format or columns).',
  INTERRUPTED: 'The command was stopped by a signal. What was done stays; run it again to go on.',
  ROW_REJECTED: 'A row cannot be imported and --strict was given.',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** What a caller may show beside the message. Never holds secrets. */
export interface ErrorDetails {
  /** The argument, variable or column that was wrong. */
  readonly field?: string;
  /** Nearest valid values, best first. */
  readonly suggestions?: readonly string[];
  /** When the same request may succeed. */
  readonly retryAfterSeconds?: number;
}

/** A mistake that its reader can put right. The message says what was wrong and what to do. */
export class UserError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'UserError';
  }
}
