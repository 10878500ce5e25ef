import { findAttribute } from '../concepts/taxonomy';
import { AudioFormatError, readWavFacts, type AudioFacts } from '../audio/wav';
import { parsePythonStringList } from './python-list';
import type { SampleContent } from './sample-identity';

/**
 * One row of the published Parquet layout, judged: `id`, `caption`, `aspect_list` (a stringified Python list),
 * `genre_aspects`, `mood_aspects`, `instrument_aspects`, `tempo_aspects`, and in the audio configuration `file_name`,
 * a struct of `bytes` and `path`.
 */
export interface PublishedRow extends SampleContent {
  readonly audio: { readonly bytes: Uint8Array; readonly facts: AudioFacts } | null;
}

export const REJECTION_REASONS = {
  'wrong type': 'a column is missing or has another type than the published layout',
  'empty caption': 'the caption is empty',
  'unparsable list': 'aspect_list is not the repr of a Python list of strings',
  'lists disagree': 'aspect_list and the four category columns name different attributes',
  'unknown attribute': 'an attribute is not in the taxonomy',
  'broken audio': 'the audio is empty, truncated or not a WAV file',
  'other audio': 'the sample has other audio already; the first is kept',
} as const;

export type RejectionReason = keyof typeof REJECTION_REASONS;

/** Why a row cannot be imported. */
export class RejectedRow extends Error {
  override readonly name = 'RejectedRow';
  constructor(
    readonly reason: RejectionReason,
    detail: string,
  ) {
    super(detail);
  }
}

const CATEGORY_COLUMNS = ['genre_aspects', 'mood_aspects', 'instrument_aspects', 'tempo_aspects'] as const;
const MAX_TEXT_LENGTH = 10_000;
const MAX_AUDIO_BYTES = 512 * 1024 * 1024;

/** Columns that a file must have to be of this layout. */
export const REQUIRED_COLUMNS: readonly string[] = ['id', 'caption', 'aspect_list', ...CATEGORY_COLUMNS];

/** @throws RejectedRow */
export function parsePublishedRow(row: Readonly<Record<string, unknown>>): PublishedRow {
  const sourceId = text(row, 'id');
  if (sourceId === '') throw new RejectedRow('wrong type', 'id is empty');
  const caption = text(row, 'caption');
  if (caption.trim() === '') throw new RejectedRow('empty caption', 'caption is empty');
  return { sourceId, caption, attributes: attributes(row), audio: audio(row.file_name) };
}

function text(row: Readonly<Record<string, unknown>>, column: string): string {
  const value = row[column];
  if (value === null && column === 'caption') throw new RejectedRow('empty caption', 'caption is null');
  if (typeof value !== 'string') throw new RejectedRow('wrong type', `${column} is ${describe(value)}, not a string`);
  if (value.includes('\0')) throw new RejectedRow('wrong type', `${column} holds a NUL character`);
  if (value.length > MAX_TEXT_LENGTH) {
    throw new RejectedRow('wrong type', `${column} is longer than ${MAX_TEXT_LENGTH} characters`);
  }
  return value;
}

function attributes(row: Readonly<Record<string, unknown>>): number[] {
  const listText = text(row, 'aspect_list');
  const listed = parsePythonStringList(listText);
  if (!listed) throw new RejectedRow('unparsable list', `aspect_list does not parse: ${excerpt(listText)}`);
  const filed = CATEGORY_COLUMNS.flatMap((column) => {
    const value = row[column] ?? [];
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
      throw new RejectedRow('wrong type', `${column} is ${describe(value)}, not a list of strings`);
    }
    return value;
  });

  const listedOnce = new Set(listed);
  const filedOnce = new Set(filed);
  const difference = [
    ...[...listedOnce].filter((name) => !filedOnce.has(name)),
    ...[...filedOnce].filter((name) => !listedOnce.has(name)),
  ];
  if (difference.length > 0) {
    throw new RejectedRow(
      'lists disagree',
      `aspect_list and the category columns differ in ${difference.map((name) => `"${excerpt(name)}"`).join(', ')}`,
    );
  }
  const indices = [...listedOnce].map((name) => {
    const attribute = findAttribute(name);
    if (!attribute) throw new RejectedRow('unknown attribute', `"${excerpt(name)}" is not in the taxonomy`);
    return attribute.index;
  });
  return [...new Set(indices)].sort((a, b) => a - b);
}

function audio(value: unknown): PublishedRow['audio'] {
  if (value === undefined || value === null) return null;
  const bytes = typeof value === 'object' ? (value as { bytes?: unknown }).bytes : undefined;
  if (bytes === null) throw new RejectedRow('broken audio', 'audio without bytes (the file is only referred to)');
  if (!(bytes instanceof Uint8Array)) {
    throw new RejectedRow('wrong type', `file_name is ${describe(value)}, not a struct of bytes and path`);
  }
  if (bytes.length > MAX_AUDIO_BYTES) throw new RejectedRow('broken audio', 'audio of more than 512 MiB');
  try {
    return { bytes, facts: readWavFacts(bytes) };
  } catch (error) {
    if (error instanceof AudioFormatError) throw new RejectedRow('broken audio', error.message);
    throw error;
  }
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return value instanceof Uint8Array ? 'bytes' : `a ${typeof value}`;
}

function excerpt(value: string): string {
  return value.length > 60 ? `${value.slice(0, 57)}...` : value;
}
