import type { Meanings } from './meaning';

/** What the taxonomy files under tempo: speeds, ways of moving, and some instruments and genres that stand there. */
export const TEMPO: Meanings = {
  // Speeds
  'slow tempo': { note: 'Adagio, played on the beats', bpm: [66, 76], isSpare: true },
  slow: { note: 'As slow tempo', bpm: [66, 76], isSpare: true },
  'slower tempo': { note: 'As slow tempo, its slower half', bpm: [66, 71], isSpare: true },
  'slow to medium tempo': { note: 'Andante, played on the beats', bpm: [72, 96], isSpare: true },
  'slower to medium tempo': { note: 'As slow to medium tempo, its slower half', bpm: [68, 90], isSpare: true },
  'medium tempo': { note: 'Moderato', bpm: [92, 116] },
  'moderate tempo': { note: 'As medium tempo', bpm: [92, 116] },
  'mid tempo': { note: 'As medium tempo', bpm: [92, 116] },
  'medium fast tempo': { note: 'Allegretto', bpm: [112, 132] },
  'medium to uptempo': { note: 'Allegretto', bpm: [108, 132] },
  'fast tempo': { note: 'Allegro to presto', bpm: [132, 168] },
  uptempo: { note: 'Allegro', bpm: [126, 156] },
  upbeat: {
    note: 'Rather fast, bright, short notes, accents',
    bpm: [112, 140],
    mode: 'ionian',
    velocity: 98,
    length: 0.75,
  },
  'slow rock': {
    note: 'A rock ballad, often in 6/8; in 4/4 played on the beats',
    bpm: [66, 84],
    style: 'rock',
    metres: ['4/4', '6/8'],
    isSpare: true,
  },

  // Ways of moving
  groovy: { note: 'Lightly swung sixteenths, off-beats', swing16: 0.57, anticipation: 30, accent: 10 },
  'groovy rhythm': { note: 'As groovy', swing16: 0.57, anticipation: 30, accent: 10 },
  'groovy music': { note: 'As groovy', swing16: 0.57, anticipation: 30, accent: 10 },
  'dance rhythm': { note: 'A dance beat', style: 'dance', accent: 12, isBeat: true, bpm: [112, 130] },
  'dance groove': { note: 'A dance beat, lightly swung', style: 'dance', swing16: 0.56, isBeat: true, bpm: [108, 128] },
  rhythmic: { note: 'Beats marked by strong accents, short notes', accent: 20, length: 0.7 },
  'rhythmic beat': { note: 'Beats marked by accents, and beaten', accent: 20, isBeat: true },
  'rhythmic patter': {
    note: 'Short light notes, strongly accented ("patter" is read as it stands, not as "pattern")',
    accent: 16,
    length: 0.45,
  },
  rhythm: {
    note: 'Beats marked by accents',
    weakness: 'All music has rhythm: the word adds little, and so does its sound.',
    accent: 14,
  },
  'steady rhythm': { note: 'The same rhythm throughout, no fills', isSteady: true },
  'rising pattern': { note: 'Tunes and broken chords climb', contour: 'rising' },
  syncopated: { note: 'Many notes come an eighth early', anticipation: 55 },
  'syncopated rhythms': { note: 'As syncopated', anticipation: 55 },
  'syncopated harmony': { note: 'Chords change an eighth before the bar', isHarmonySyncopated: true },
  polyrhythms: { note: 'Three against four in accompaniment and percussion', isPolyrhythmic: true },
  contemporary: {
    note: 'Nothing',
    unsupported: 'It says when music was made, or that it is pop, or modern concert music; nothing that can be played.',
  },

  // Genres
  afrobeat: { note: 'Interlocking parts over a rolling beat', style: 'afrobeat', bpm: [96, 126] },
  afrobeats: {
    note: 'As afrobeat, a little slower',
    weakness: 'West African pop of today and the afrobeat of the seventies share one style here.',
    style: 'afrobeat',
    bpm: [94, 118],
  },

  // Instruments and voices
  'groovy bass lines': { note: 'A bass off the beat', parts: [{ voice: 'bass', manner: 'groovy' }] },
  'groovy bassline': { note: 'As groovy bass lines', parts: [{ voice: 'bass', manner: 'groovy' }] },
  'groovy bas slime': {
    note: 'As groovy bass lines: a misspelling of "bass lines"',
    parts: [{ voice: 'bass', manner: 'groovy' }],
  },
  'groovy double bass': {
    note: 'A plucked double bass off the beat',
    parts: [{ voice: 'bass', program: 32, manner: 'groovy' }],
  },
  'groovy synth bass': {
    note: 'A synthesizer plays the bass line, off the beat',
    parts: [{ voice: 'synth bass', manner: 'groovy' }],
  },
  'groovy piano chords': { note: 'Short piano chords off the beat', parts: [{ voice: 'piano', manner: 'groovy' }] },
  'rhythmic acoustic guitar': {
    note: 'A steel-string guitar strummed in eighths and sixteenths',
    parts: [{ voice: 'acoustic guitar', manner: 'rhythmic' }],
  },
  'acoustic rhythm guitar chords': {
    note: 'As rhythmic acoustic guitar',
    parts: [{ voice: 'acoustic guitar', manner: 'rhythmic' }],
  },
  'distorted guitar rhythm': {
    note: 'A distorted guitar in eighths',
    parts: [{ voice: 'electric guitar', program: 30, manner: 'rhythmic' }],
  },
  'rhythmic speech': {
    note: 'A voice on few pitches in speech rhythm',
    weakness: 'The bank has no words: a synthetic voice follows the rhythm of speech.',
    parts: [{ voice: 'spoken word' }],
  },
  beatboxing: {
    note: 'A beat on the TR-808 kit',
    weakness: 'The bank has no mouth sounds: an electronic kit stands in for them.',
    drums: [{ part: 'beatboxing' }],
  },
  'beat boxing': {
    note: 'As beatboxing',
    weakness: 'The bank has no mouth sounds: an electronic kit stands in for them.',
    drums: [{ part: 'beatboxing' }],
  },
  beatbox: {
    note: 'As beatboxing; the machine of that name is not told from the mouth',
    weakness: 'The bank has no mouth sounds: an electronic kit stands in for them.',
    drums: [{ part: 'beatboxing' }],
  },
  'strong drumming rhythm': { note: 'Drums, loud', drums: [{ part: 'drums', manner: 'strong' }] },
  'groovy drumming rhythm': {
    note: 'Drums with ghost notes and early kicks',
    drums: [{ part: 'drums', manner: 'groovy' }],
  },
  'slick drumming rhythm': { note: 'Drums with ghost notes', drums: [{ part: 'drums', manner: 'slick' }] },
  'syncopated snare': { note: 'A snare between the beats', drums: [{ part: 'snare drum', manner: 'syncopated' }] },
  '4 on the floor kick pattern': { note: 'A kick on every beat', drums: [{ part: 'four on the floor' }] },
};
