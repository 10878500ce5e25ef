import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { AUDIO_PATH, relativePath } from '../audio/disk-audio-store';
import { verifyPath } from '../audio/url-signature';

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
    // The bytes under a hash never change; the URL expires before a cache could matter.
    immutable: true,
    maxAge: '1d',
  });
  app.get<{ Params: { file: string }; Querystring: { expires?: string; signature?: string } }>(
    `${AUDIO_PATH}/:file`,
    async (request, reply) => {
      const { file } = request.params;
      const { expires, signature } = request.query;
      const now = Math.floor(Date.now() / 1000);
      const verdict = verifyPath(options.signingKey, `${AUDIO_PATH}/${file}`, expires, signature, now);
      if (verdict !== 'valid') {
        const message =
          verdict === 'expired'
            ? 'This audio URL has expired. Ask for the sample again to get a new one.'
            : 'This audio URL is not signed by this server, or was changed.';
        return reply.code(403).send({ error: message });
      }
      // Only hashes are ever signed; the check keeps a path out all the same.
      const sha256 = /^([0-9a-f]{64})\.wav$/.exec(file)?.[1];
      if (!sha256) return reply.code(404).send({ error: 'There is no such audio.' });
      return reply.type('audio/wav').sendFile(relativePath(sha256));
    },
  );
}
