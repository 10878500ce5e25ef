import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { MEDIA_TYPES, type ConceptSetExporter } from '../dataset/concept-set-export';
import { parseFileName, SETS_PATH, unpackInput, type ConceptSetUrls } from '../dataset/concept-set-url';
import type { ConceptSet, ConceptSets } from '../dataset/concept-sets';
import { UserError, type ErrorCode } from '../platform/errors';

/** `/sets/<id>.<extension>?…`: downloads of concept sets, by URLs that GraphQL gives out. */
export function registerSetRoute(
  app: FastifyInstance,
  {
    sets,
    urls,
    exporter,
    log,
  }: {
    readonly sets: ConceptSets;
    readonly urls: ConceptSetUrls;
    readonly exporter: ConceptSetExporter;
    readonly log: Logger;
  },
): void {
  app.get<{ Params: { file: string }; Querystring: Record<string, unknown> }>(
    `${SETS_PATH}/:file`,
    async (request, reply) => {
      const { file } = request.params;
      const verdict = urls.verify(`${SETS_PATH}/${file}`, request.query, Math.floor(Date.now() / 1000));
      if (verdict === 'expired') {
        return refuse(reply, 403, 'EXPIRED_URL', 'This URL has expired. Ask for the set again to get a new one.');
      }
      if (verdict === 'forged') {
        return refuse(reply, 403, 'FORGED_URL', 'This URL is not signed by this server, or was changed.');
      }
      const name = parseFileName(file);
      if (!name) return refuse(reply, 404, 'UNKNOWN_CONCEPT_SET', 'There is no such set.');
      const set = await findSet(sets, name.id, request.query.input).catch((error: unknown) => {
        if (error instanceof UserError) return error;
        throw error;
      });
      if (set instanceof UserError) return refuse(reply, 410, set.code, set.message);
      if (!set) return refuse(reply, 404, 'UNKNOWN_CONCEPT_SET', 'There is no such set.');

      const stream = await exporter.open(set, name.format);
      stream.on('error', (err) => log.error({ err, set: name.id }, 'a download of a set broke off'));
      return reply
        .type(MEDIA_TYPES[name.format])
        .header('content-disposition', `attachment; filename="${file}"`)
        .header('x-content-type-options', 'nosniff')
        .send(stream);
    },
  );
}

/** The frozen set, or the one that the URL's input selects; null where that is another one by now. */
async function findSet(sets: ConceptSets, id: string, packed: unknown): Promise<ConceptSet | null> {
  if (typeof packed !== 'string' || packed === '') return sets.frozen(id);
  const set = await sets.select(unpackInput(packed));
  return set.id === id ? set : null;
}

function refuse(reply: FastifyReply, status: number, code: ErrorCode, message: string): FastifyReply {
  return reply.code(status).send({ error: message, code });
}
