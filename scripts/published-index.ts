import { join } from 'node:path';
import { readdirSync } from 'node:fs';
import { ConceptIndex } from '../src/concepts/concept-index';
import { carriedConcepts, CONCEPTS, mentionedConcepts } from '../src/concepts/concepts';
import { openParquet } from '../src/dataset/parquet-rows';
import { parsePublishedRow } from '../src/dataset/published-row';
import { sampleIdOf, sampleKeyOf } from '../src/dataset/sample-identity';

/** The index over the text rows of a published folder, without a database: for reports and benchmarks. */
export async function indexPublishedRows(folder: string): Promise<{ index: ConceptIndex; captions: string[] }> {
  const index = new ConceptIndex(CONCEPTS.length);
  const captions: string[] = [];
  const firstOfSource = new Map<string, number>();
  const seen = new Set<string>();
  const files = readdirSync(join(folder, 'default')).filter((name) => name.endsWith('.parquet'));
  // The order in which an import takes them.
  for (const name of files.sort()) {
    const file = await openParquet(join(folder, 'default', name));
    try {
      for await (const { row } of file.rows()) {
        const { sourceId, caption, attributes } = parsePublishedRow(row);
        const id = sampleIdOf({ sourceId, caption, attributes });
        if (seen.has(id)) continue;
        seen.add(id);
        const seq = index.size;
        if (!firstOfSource.has(sourceId)) firstOfSource.set(sourceId, seq);
        index.append({
          seq,
          attributes,
          carries: carriedConcepts(attributes),
          mentions: mentionedConcepts(caption),
          source: 1,
          split: name.split('-')[0]!,
          key: sampleKeyOf(id.slice(2, 9)),
          group: firstOfSource.get(sourceId)!,
          addedVersion: 1,
          audioVersion: null,
          retiredVersion: null,
        });
        captions.push(caption);
      }
    } finally {
      await file.close();
    }
  }
  index.version = 1;
  return { index, captions };
}
