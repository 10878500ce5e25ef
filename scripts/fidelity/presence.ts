import { carriedConcepts, CONCEPTS } from '../../src/concepts/concepts';
import { Random } from '../../src/concepts/random';
import { ATTRIBUTES } from '../../src/concepts/taxonomy';
import { briefOf } from '../../src/inference/soundfont/brief';
import { compose } from '../../src/inference/soundfont/compose';
import { drumPartOf } from '../../src/inference/soundfont/drum-parts';
import { loadBank, renderMix, renderStems } from '../../src/inference/soundfont/render';
import type { Stereo } from '../../src/inference/soundfont/stereo';
import { voiceOf } from '../../src/inference/soundfont/voices';
import { attribute, percent, randomList } from './clips';

/** What sounds in the rendered parts and in the mix, against what was asked for. */
const CLIPS = 100;
const SECONDS = 6;
/** An asked part that is no louder than this is not there. */
const AUDIBLE_DB = -50;
/** What the mix has beside the asked parts and is no louder than this is not there. */
const SILENT_DB = -80;

export async function measurePresence(): Promise<string[]> {
  const random = new Random(2);
  const bank = await loadBank();
  let asked = 0;
  let audible = 0;
  let clean = 0;
  let worstRest = Number.NEGATIVE_INFINITY;
  let limited = 0;
  let quietest = 0;
  let silenced = 0;
  let silencedRight = 0;
  for (let seed = 0; seed < CLIPS; seed++) {
    const given = seed % 4 === 0 ? [attribute('no percussion')] : [];
    const attributes = randomList(random, given, { genre: 1, mood: 1, instrument: 4 });
    const plan = compose(attributes, seed, SECONDS);
    const stems = await renderStems(plan, SECONDS, bank);
    const mix = await renderMix(plan, SECONDS, bank, () => undefined);
    const isAsked = (concept: string) =>
      carriedConcepts(attributes).some((index) => {
        const { name, includes } = CONCEPTS[index]!;
        return name === concept || includes.some((narrower) => CONCEPTS[narrower]!.name === concept);
      });
    // Every instrument, voice and percussion concept that the attributes name has a part that can be heard.
    const concepts = new Set(
      attributes
        .filter((index) => ATTRIBUTES[index]!.category === 'instrument')
        .flatMap((index) => wantedConcepts([index])),
    );
    for (const concept of concepts) {
      asked++;
      const own = stems.filter((_stem, i) => matches(plan.parts[i]!.concept, concept));
      const loudest = Math.max(Number.NEGATIVE_INFINITY, ...own.map(level));
      quietest = Math.min(quietest, loudest);
      if (loudest > AUDIBLE_DB) audible++;
    }
    const hasNoPart = concepts.size === 0;
    const rest = remainder(
      mix,
      stems.filter((_stem, i) => hasNoPart || isAsked(plan.parts[i]!.concept)),
    );
    // Where the limiter works, the mix is less than its stems, asked or not.
    const isLimited = remainder(mix, stems) > SILENT_DB;
    if (isLimited) limited++;
    else worstRest = Math.max(worstRest, rest);
    const unasked = stems.filter((_stem, i) => !hasNoPart && !isAsked(plan.parts[i]!.concept));
    if (isLimited ? unasked.length === 0 : rest <= SILENT_DB) clean++;
    if (given.length > 0) {
      silenced++;
      if (plan.parts.every(({ channel }) => channel !== 9)) silencedRight++;
    }
  }
  return [
    '| what | of | share | worst |',
    '| --- | --- | --- | --- |',
    `| asked instruments, voices and percussion that can be heard (above ${AUDIBLE_DB} dBFS in their stem) | ${asked} | ${percent(audible / asked)} | ${quietest.toFixed(1)} dBFS |`,
    `| clips whose mix less the stems of what was asked is silent (below ${SILENT_DB} dBFS) | ${CLIPS} | ${percent(clean / CLIPS)} | ${worstRest.toFixed(1)} dBFS |`,
    `| … of these clips whose mix reaches the limiter, judged by their stems | ${limited} | | |`,
    `| clips with "no percussion" without a percussion part in the mix | ${silenced} | ${percent(silencedRight / silenced)} | |`,
  ];
}

/** Concepts of the parts that the attribute alone would bring. */
function wantedConcepts(attributes: readonly number[]): string[] {
  const { parts, drums } = briefOf(attributes);
  return [
    ...parts.filter(({ isAlone }) => !isAlone).map(({ voice }) => voiceOf(voice).concept),
    ...drums.map(({ part }) => drumPartOf(part).concept),
  ];
}

/** The concept itself, or a narrower one of it. */
function matches(concept: string, wanted: string): boolean {
  const found = CONCEPTS.find(({ name }) => name === wanted);
  return concept === wanted || (found?.includes.some((index) => CONCEPTS[index]!.name === concept) ?? false);
}

/** Root mean square in dB of full scale. */
function level({ left, right }: Stereo): number {
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += left[i]! ** 2 + right[i]! ** 2;
  return 10 * Math.log10(sum / (2 * left.length) + 1e-12);
}

function remainder(mix: Stereo, stems: readonly Stereo[]): number {
  const [left, right] = [mix.left.slice(), mix.right.slice()];
  for (const stem of stems) {
    for (let i = 0; i < left.length; i++) {
      left[i]! -= stem.left[i]!;
      right[i]! -= stem.right[i]!;
    }
  }
  return level({ left, right });
}
