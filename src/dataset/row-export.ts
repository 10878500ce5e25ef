import { CONCEPTS } from '../concepts/concepts';
import { ATTRIBUTES } from '../concepts/taxonomy';
import type { SampleCatalog, SampleFilterSpec } from './sample-catalog';
import { licensesOf } from './sample-license';
import type { SampleRepository } from './sample-repository';

const PAGE = 1_000;

/**
 * Samples as JSON lines, in the order in which they were added; a page of them is in memory at a time.
 * @throws UserError as `SampleCatalog.match` does
 */
export async function* exportRows(
  samples: SampleRepository,
  catalog: SampleCatalog,
  filter: SampleFilterSpec | null,
): AsyncGenerator<string> {
  const { rows } = await catalog.match(filter);
  const sources = new Map((await samples.listSources()).map((source) => [source.id, source]));
  const names = (of: readonly { readonly name: string }[], indices: readonly number[]) =>
    indices.map((index) => of[index]!.name);
  for (let last = -1; ;) {
    const page = rows.rowsAfter(last, PAGE);
    if (page.length === 0) return;
    last = page.at(-1)!;
    let lines = '';
    const found = await samples.listBySeq(page);
    const licenses = await licensesOf(samples, sources, found);
    for (const sample of found) {
      const row = {
        id: sample.id,
        sourceId: sample.sourceId,
        source: sources.get(sample.source)?.name ?? null,
        split: sample.split,
        caption: sample.caption,
        attributes: names(ATTRIBUTES, sample.attributes),
        carries: names(CONCEPTS, sample.carries),
        mentions: names(CONCEPTS, sample.mentions),
        audioSha256: sample.audio?.sha256 ?? null,
        license: licenses.get(sample.seq) ?? null,
      };
      lines += `${JSON.stringify(row)}\n`;
    }
    yield lines;
  }
}
