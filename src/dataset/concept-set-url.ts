import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { signPath, verifyPath, type SignatureVerdict } from '../audio/url-signature';
import { isExportFormat, EXTENSIONS, type ExportFormat } from './concept-set-export';
import type { ConceptSet, ConceptSetSpec } from './concept-sets';

/**
 * Download URLs of concept sets, `/sets/<id>.<extension>?expires=…&signature=…`. A set that is not frozen is stored
 * nowhere: its URL carries the input from which it is selected again.
 */
export const SETS_PATH = '/sets';

/** Servers and proxies take URLs of at least this length; a longer input has to be frozen first. */
const MAX_INPUT_LENGTH = 6_000;
/** No input that fits a URL is longer when unpacked. */
const MAX_UNPACKED_BYTES = 256 * 1024;

export class ConceptSetUrls {
  /** @param publicUrl base of the URLs, read late: with PORT=0 it is known only when the server listens */
  constructor(
    private readonly signingKey: Uint8Array,
    private readonly publicUrl: () => string,
  ) {}

  /** A URL that works until `expiresAt`, or null where the input is too long for one: freeze the set then. */
  sign(set: ConceptSet, format: ExportFormat, expiresAt: Date): string | null {
    const path = `${SETS_PATH}/${set.id}.${EXTENSIONS[format]}`;
    const expires = Math.floor(expiresAt.getTime() / 1000);
    const query = new URLSearchParams({ expires: String(expires) });
    const input = set.frozenAt ? '' : packInput(set);
    if (input.length > MAX_INPUT_LENGTH) return null;
    if (input !== '') query.set('input', input);
    query.set('signature', signPath(this.signingKey, `${path}?${input}`, expires));
    return `${this.publicUrl()}${path}?${query.toString()}`;
  }

  verify(path: string, query: Readonly<Record<string, unknown>>, nowUnixSeconds: number): SignatureVerdict {
    const input = typeof query.input === 'string' ? query.input : '';
    return verifyPath(this.signingKey, `${path}?${input}`, query.expires, query.signature, nowUnixSeconds);
  }
}

/** Id and format that a file name stands for, or null. */
export function parseFileName(name: string): { readonly id: string; readonly format: ExportFormat } | null {
  const [, id, extension] = /^(cs_[0-9a-z]+)\.([a-z]+)$/.exec(name) ?? [];
  const format = Object.entries(EXTENSIONS).find(([, known]) => known === extension)?.[0];
  return id !== undefined && format !== undefined && isExportFormat(format) ? { id, format } : null;
}

/** The input of a verified URL. */
export function unpackInput(packed: string): ConceptSetSpec {
  const text = inflateRawSync(Buffer.from(packed, 'base64url'), { maxOutputLength: MAX_UNPACKED_BYTES }).toString();
  return JSON.parse(text) as ConceptSetSpec;
}

function packInput({ content }: ConceptSet): string {
  const { target, ...rest } = content.input;
  const spec: ConceptSetSpec = { ...target, ...rest, dataVersion: content.dataVersion };
  return deflateRawSync(JSON.stringify(spec)).toString('base64url');
}
