import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import type { IncomingHttpHeaders } from 'node:http';
import { AUDIO_PATH, relativePath } from '../audio/disk-audio-store';
import { verifyPath } from '../audio/url-signature';
import type { ErrorCode } from '../platform/errors';

/**
 * `/audio/<sha256>.wav?expires=…&signature=…`: files of the disk store, with range requests, as presigned S3 URLs
 * give them.
 */
export async function registerAudioRoute(
  app: FastifyInstance,
  options: { readonly directory: string; readonly signingKey: Uint8Array },
): Promise<void> {
  await app.register(fastifyStatic, {
    root: options.directory,
    serve: false,
    // Both are set below: its own tag is weak, and no shared cache may keep what a signed URL gives.
    etag: false,
    cacheControl: false,
  });
  app.get<{ Params: { file: string }; Querystring: { expires?: string; signature?: string } }>(
    `${AUDIO_PATH}/:file`,
    {
      onSend: (request, reply, payload, done) => {
        if (FILE_STATUSES.includes(reply.statusCode)) {
          const secondsLeft = Math.max(0, Number(request.query.expires) - nowSeconds());
          void reply
            // The bytes under a hash never change.
            .header('cache-control', `private, max-age=${secondsLeft}, immutable`)
            .header('content-type', 'audio/wav')
            .header('etag', etagOf(request.params.file.slice(0, SHA256_HEX_LENGTH)));
        }
        done(null, payload);
      },
    },
    async (request, reply) => {
      const { file } = request.params;
      const { expires, signature } = request.query;
      const verdict = verifyPath(options.signingKey, `${AUDIO_PATH}/${file}`, expires, signature, nowSeconds());
      if (verdict !== 'valid') {
        return reply.code(403).send(REFUSALS[verdict]);
      }
      // Only hashes are ever signed; the check keeps a path out all the same.
      const sha256 = /^([0-9a-f]{64})\.wav$/.exec(file)?.[1];
      if (!sha256) return reply.code(404).send({ error: 'There is no such audio.' });
      resolveConditions(request.raw.headers, etagOf(sha256));
      return reply.sendFile(relativePath(sha256));
    },
  );
}

const REFUSALS = {
  expired: { error: 'This audio URL has expired. Ask for the sample again to get a new one.', code: 'EXPIRED_URL' },
  forged: { error: 'This audio URL is not signed by this server, or was changed.', code: 'FORGED_URL' },
} satisfies Record<string, { error: string; code: ErrorCode }>;

const SHA256_HEX_LENGTH = 64;
/** Answers that are of the file, whole, in part or unchanged; the others say nothing about it. */
const FILE_STATUSES = [200, 206, 304];

const etagOf = (sha256: string) => `"${sha256}"`;
const nowSeconds = () => Math.floor(Date.now() / 1000);

/** The file is sent by code that knows no tag of ours: what names it is put so that it holds of any tag. */
function resolveConditions(headers: IncomingHttpHeaders, etag: string): void {
  for (const name of ['if-match', 'if-none-match'] as const) {
    const tags = headers[name]?.split(',').map((tag) => tag.trim());
    if (tags?.some((tag) => tag === etag || (name === 'if-none-match' && tag === `W/${etag}`))) headers[name] = '*';
  }
  if (headers['if-range'] === etag) delete headers['if-range'];
}
