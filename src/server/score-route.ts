import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { parseScoreFileName, SCORES_PATH, type Scores, type ScoreUrls } from '../generation/scores';
import type { ErrorCode } from '../platform/errors';

/** Stems rendered at once; whoever comes later is asked to come again. */
const MAX_RENDERING = 4;

/** `/scores/<sample>.mid` and `/scores/<sample>.<part>.wav`, by URLs that GraphQL gives out. */
export function registerScoreRoute(
  app: FastifyInstance,
  { scores, urls, log }: { readonly scores: Scores; readonly urls: ScoreUrls; readonly log: Logger },
): void {
  let rendering = 0;
  app.get<{ Params: { file: string }; Querystring: Record<string, unknown> }>(
    `${SCORES_PATH}/:file`,
    async (request, reply) => {
      const { file } = request.params;
      const verdict = urls.verify(file, request.query, Math.floor(Date.now() / 1000));
      if (verdict !== 'valid') return reply.code(403).send(REFUSALS[verdict]);
      const wanted = parseScoreFileName(file);
      const score = wanted && (await scores.byId(wanted.sampleId));
      if (!score || (wanted.part ?? 0) >= score.parts.length) {
        return reply.code(410).send({ error: 'The engine has changed since, and would play another piece.' });
      }
      if (wanted.part === null) return reply.type('audio/midi').send(Buffer.from(score.engine.midiOf(score.request)));
      if (rendering >= MAX_RENDERING) {
        return reply.code(503).header('retry-after', '2').send({ error: 'Too many stems are being rendered.' });
      }
      rendering++;
      const gone = new AbortController();
      request.raw.once('close', () => gone.abort(new Error('the client has gone')));
      try {
        const options = { signal: gone.signal, onProgress: () => undefined };
        const wav = await score.engine.renderPart(score.request, wanted.part, options);
        return await reply.type('audio/wav').send(Buffer.from(wav));
      } catch (err) {
        if (gone.signal.aborted) return reply;
        log.error({ err, file }, 'a stem could not be rendered');
        return await reply.code(500).send({ error: 'The stem could not be rendered.' });
      } finally {
        rendering--;
      }
    },
  );
}

const REFUSALS = {
  expired: { error: 'This URL has expired. Ask for the sample again to get a new one.', code: 'EXPIRED_URL' },
  forged: { error: 'This URL is not signed by this server, or was changed.', code: 'FORGED_URL' },
} satisfies Record<string, { error: string; code: ErrorCode }>;
