import type { Texture } from '../stages';
import {
  playBass,
  playKeys,
  playAlone,
  playNoise,
  playPad,
  playSection,
  playStrum,
  type Player,
} from './accompaniment';
import { briefOf, type Brief, type DrumBrief, type PartBrief } from './brief';
import { drumPartOf } from './drum-parts';
import { degreesWithin, keyOf } from './harmony';
import { playAnswer, playCounter, playRiff, playSolo, playSyllables, playTune } from './melody';
import { perform, swingOf, type Performance, type Stroke } from './perform';
import { playDrumPart } from './percussion';
import { PERCUSSION_CHANNEL, type Part, type Plan } from './plan';
import { scoreOf, tempoOf, type Score } from './score';
import { tuneOf, type TuneNote } from './tune';
import { ORCHESTRA, voiceOf, type Role, type Voice } from './voices';

/**
 * From attributes to a piece of music, pure and seeded: the attributes become a brief (`brief.ts`), the brief and the seed
 * a score with key, form and chords (`score.ts`) and a tune (`tune.ts`), and every voice and drum plays its part of it.
 *
 * What makes pairs comparable: every decision has a random stream of its own (`streams.ts`) and no part knows of another,
 * so a part that is added, left out or swapped changes no note of the others. Notes are in beats, composed in degrees of
 * the scale: another tempo changes no note, another mode only keys. What a slow piece leaves out between the beats is no
 * matter of its tempo but of its texture, which its counterfactuals keep.
 *
 * @param attributes taxonomy indices
 * @param seed 32-bit integer
 * @param texture null: as the attributes have it; a counterfactual has its original's
 */
export function compose(
  attributes: readonly number[],
  seed: number,
  durationSeconds: number,
  texture: Texture | null = null,
): Plan {
  const own = briefOf(attributes);
  const brief = { ...own, texture: texture ?? own.texture };
  const beatsPerMinute = tempoOf(brief, seed);
  const durationBeats = (durationSeconds * beatsPerMinute) / 60;
  const score = scoreOf(brief, seed, durationBeats);
  const tune = tuneOf(score);
  const { mode } = score.key;
  return {
    beatsPerMinute,
    metre: score.metre,
    mode,
    isMinor: mode === 'aeolian' || mode === 'phrygian' || mode === 'dorian',
    tonic: score.key.tonic,
    swing: swingOf(score),
    form: score.sections.filter(({ startBeats }) => startBeats < durationBeats),
    chords: score.bars
      .flatMap(({ chords }) => chords)
      .filter(({ startBeats }) => startBeats < durationBeats)
      .map(({ startBeats, durationBeats: length, root, tones }) => ({
        startBeats,
        durationBeats: length,
        degree: root + 1,
        tones: tones.map((tone) => keyOf(score.key, root + tone, root) % 12),
      })),
    parts: [
      ...brief.parts.flatMap((part) => pitchedParts(score, tune, part)),
      ...brief.drums.map((part) => drumPart(score, part)),
    ]
      .map((part) => ({ ...part, notes: part.notes.filter(({ startBeats }) => startBeats < durationBeats) }))
      .sort((a, b) => a.channel - b.channel || (a.name < b.name ? -1 : 1)),
  };
}

/** Steps of velocity that a role stands out or back. */
const LOUDNESS: Readonly<Record<Role, number>> = {
  ...{ keys: 0, strum: -2, pad: -8, section: -4, bass: 4, noise: -6 },
  ...{ tune: 4, answer: 2, counter: 2, riff: 2, solo: 6, rap: 8, speech: 4 },
};

function pitchedParts(score: Score, tune: readonly TuneNote[][], brief: PartBrief): Part[] {
  const voice = voiceOf(brief.voice);
  const others = brief.voice === 'orchestra' ? ORCHESTRA : [];
  return [voice, ...others].map((one) => pitchedPart(score, tune, one, brief));
}

function pitchedPart(score: Score, tune: readonly TuneNote[][], voice: Voice, brief: PartBrief): Part {
  const { name, role, concept, channel, pan, volume } = voice;
  const { register } = score.brief;
  const [low, high] = voice.range;
  // Moods that lie high or low move the range by a fifth, as far as half of it is left.
  const shift = 7 * register;
  const range = degreesWithin(
    high - low - Math.abs(shift) < 15 ? voice.range : [Math.max(low, low + shift), Math.min(high, high + shift)],
    score.key.tonic,
  );
  const player: Player = { name, range, manners: brief.manners };
  const strokes = brief.isAlone ? playAlone(score, player, tune) : playersOf(role)(score, player, tune);
  const how: Performance = {
    name,
    range,
    loud: LOUDNESS[role] + mannerLoudness(brief),
    leastLength: role === 'pad' || role === 'noise' ? 1 : 0,
    anticipation: role === 'noise' || role === 'pad' ? 0 : score.brief.anticipation,
    isHarmonyEarly: score.brief.isHarmonySyncopated && HARMONY.includes(role),
    isLeaping: (!HARMONY.includes(role) && role !== 'bass') || brief.isAlone,
    isMonophonic: MONOPHONIC.includes(role),
  };
  return {
    ...{ name, concept, channel, pan, volume },
    program: brief.program ?? programOf(score, voice),
    reverb: reverbOf(score.brief, role),
    notes: perform(score, strokes, how),
  };
}

const HARMONY: readonly Role[] = ['keys', 'strum', 'pad', 'section'];
const MONOPHONIC: readonly Role[] = ['bass', 'tune', 'answer', 'counter', 'solo', 'rap', 'speech'];

type Play = (score: Score, player: Player, tune: readonly TuneNote[][]) => Stroke[];

function playersOf(role: Role): Play {
  switch (role) {
    case 'keys':
      return playKeys;
    case 'strum':
      return playStrum;
    case 'pad':
      return playPad;
    case 'section':
      return playSection;
    case 'bass':
      return playBass;
    case 'noise':
      return playNoise;
    case 'tune':
      return playTune;
    case 'answer':
      return playAnswer;
    case 'counter':
      return playCounter;
    case 'riff':
      return playRiff;
    case 'solo':
      return playSolo;
    case 'rap':
    case 'speech':
      return (score, player) => playSyllables(score, player, role);
  }
}

function mannerLoudness({ manners }: PartBrief): number {
  return (manners.has('passionate') ? 14 : 0) - (manners.has('accompaniment') ? 10 : 0) - (manners.has('flat') ? 6 : 0);
}

function programOf({ styles }: Score, { program }: Voice): number {
  if (program === 'style bass') return styles.bass.bassProgram;
  return program === 'style guitar' ? styles.comp.guitarProgram : program;
}

/** Low and spoken sounds stay close, melodies stand further back. */
function reverbOf({ reverb }: Brief, role: Role): number {
  const share = { bass: 0.25, rap: 0.5, speech: 0.6, noise: 0.6 }[role as string] ?? 1;
  return Math.min(127, Math.round(reverb * share));
}

function drumPart(score: Score, { part, manners }: DrumBrief): Part {
  const { concept, kit, volume, pan } = drumPartOf(part);
  const { anticipation } = score.brief;
  const strokes = playDrumPart(score, part, manners);
  return {
    ...{ name: part, concept, channel: PERCUSSION_CHANNEL, pan, volume },
    program: kit === 'style kit' ? score.styles.groove.kit : kit,
    reverb: Math.round(score.brief.reverb * 0.6),
    notes: perform(score, strokes, {
      ...{
        name: part,
        range: null,
        loud: 0,
        leastLength: 1,
        isHarmonyEarly: false,
        isLeaping: false,
        isMonophonic: false,
      },
      // Drums keep the beat: they follow syncopation at a third.
      anticipation: Math.round(anticipation / 3),
    }),
  };
}
