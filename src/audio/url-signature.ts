import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Signs paths of this server so that they work without a login until they expire, as presigned S3 URLs do.
 */

/** HMAC-SHA256 over path and expiry, base64url. */
export function signPath(key: Uint8Array, path: string, expiresUnixSeconds: number): string {
  return createHmac('sha256', key).update(`${path}\n${expiresUnixSeconds}`).digest('base64url');
}

export type SignatureVerdict = 'valid' | 'expired' | 'forged';

/** Judges the query parameters of a signed URL. Never throws, whatever they are. */
export function verifyPath(
  key: Uint8Array,
  path: string,
  expires: unknown,
  signature: unknown,
  nowUnixSeconds: number,
): SignatureVerdict {
  if (typeof expires !== 'string' || typeof signature !== 'string' || !/^\d{1,12}$/.test(expires)) return 'forged';
  const expected = Buffer.from(signPath(key, path, Number(expires)));
  const given = Buffer.from(signature);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return 'forged';
  return Number(expires) < nowUnixSeconds ? 'expired' : 'valid';
}
