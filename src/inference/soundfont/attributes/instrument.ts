import type { Meaning, Meanings } from './meaning';

const MALE: Omit<Meaning, 'note'> = {
  weakness: 'No words and no single singer: the "voice oohs" of the bank, in a man\'s range.',
  parts: [{ voice: 'male vocals' }],
};
const FEMALE: Omit<Meaning, 'note'> = {
  weakness: 'No words and no single singer: the "choir aahs" of the bank, in a woman\'s range.',
  parts: [{ voice: 'female vocals' }],
};

/** Instruments, voices and absences. They decide about their own part and about nothing else. */
export const INSTRUMENT: Meanings = {
  // Keyboards
  piano: { note: 'Chords, a left hand, fills', parts: [{ voice: 'piano' }] },
  'piano accompaniment': { note: 'Broken chords, softer', parts: [{ voice: 'piano', manner: 'accompaniment' }] },
  keyboard: { note: 'Chords on an electric piano', parts: [{ voice: 'keyboard' }] },
  'keyboard harmony': { note: 'Held chords on an electric piano', parts: [{ voice: 'keyboard', manner: 'harmony' }] },
  'keyboard accompaniment': {
    note: 'Broken chords on an electric piano, softer',
    parts: [{ voice: 'keyboard', manner: 'accompaniment' }],
  },

  // Guitars and basses
  guitar: { note: 'A nylon-string guitar', parts: [{ voice: 'guitar' }] },
  'acoustic guitar': { note: 'A steel-string guitar', parts: [{ voice: 'acoustic guitar' }] },
  'electric guitar': { note: 'Clean, driven or distorted by the style', parts: [{ voice: 'electric guitar' }] },
  'e-guitar': { note: 'As electric guitar', parts: [{ voice: 'electric guitar' }] },
  'guitar solo': { note: 'A driven guitar that improvises on the tune', parts: [{ voice: 'guitar solo' }] },
  bass: { note: 'A bass that suits the style: fingered, plucked or synthetic', parts: [{ voice: 'bass' }] },
  'bass guitar': { note: 'A fingered bass guitar', parts: [{ voice: 'bass guitar' }] },
  'e-bass': { note: 'As bass guitar', parts: [{ voice: 'bass guitar' }] },
  'groovy bass': { note: 'A bass off the beat', parts: [{ voice: 'bass', manner: 'groovy' }] },
  'groovy bass line': { note: 'As groovy bass', parts: [{ voice: 'bass', manner: 'groovy' }] },

  // Orchestra
  strings: { note: 'A string section in moving chords', parts: [{ voice: 'strings' }] },
  violin: { note: 'A solo violin with the tune', parts: [{ voice: 'violin' }] },
  cello: { note: 'A solo cello with a second voice in long notes', parts: [{ voice: 'cello' }] },
  orchestra: { note: 'Strings, horns and woodwinds', parts: [{ voice: 'orchestra' }] },
  flute: { note: 'A flute with the tune, or answering it', parts: [{ voice: 'flute' }] },
  trumpets: { note: 'Two trumpets in thirds, in short figures', parts: [{ voice: 'trumpet' }] },

  // Voices
  'male voice': { note: 'The tune, in a baritone range', ...MALE },
  'male vocal': { note: 'As male voice', ...MALE },
  'male singer': { note: 'As male voice', ...MALE },
  'male vocalist': { note: 'As male voice', ...MALE },
  'male voice singing': { note: 'As male voice', ...MALE },
  'flat male vocal': {
    note: 'As male voice, on hardly more than one note',
    ...MALE,
    parts: [{ voice: 'male vocals', manner: 'flat' }],
  },
  'passionate male vocal': {
    note: 'As male voice, louder, over a wider range',
    ...MALE,
    parts: [{ voice: 'male vocals', manner: 'passionate' }],
  },
  'female voice': { note: 'The tune, in a mezzo-soprano range', ...FEMALE },
  'female singer': { note: 'As female voice', ...FEMALE },
  'female vocal': { note: 'As female voice', ...FEMALE },
  'passionate female vocal': {
    note: 'As female voice, louder, over a wider range',
    ...FEMALE,
    parts: [{ voice: 'female vocals', manner: 'passionate' }],
  },

  // Percussion
  drums: { note: 'A drum kit with the groove of the style', drums: [{ part: 'drums' }] },
  'acoustic drums': { note: 'An acoustic kit', drums: [{ part: 'acoustic drums' }] },
  'electronic drums': { note: 'An electronic kit', drums: [{ part: 'electronic drums' }] },
  'digital drums': { note: 'As electronic drums', drums: [{ part: 'electronic drums' }] },
  'steady drumming': { note: 'Drums without fills', drums: [{ part: 'drums', manner: 'steady' }] },
  'steady drumming rhythm': { note: 'As steady drumming', drums: [{ part: 'drums', manner: 'steady' }] },
  percussion: { note: 'Congas, cowbell and cabasa', drums: [{ part: 'percussion' }] },
  'punchy kick': { note: 'A loud kick of its own', drums: [{ part: 'kick drum' }] },
  'punchy snare': { note: 'A loud snare of its own', drums: [{ part: 'snare drum' }] },
  tambourine: { note: 'A tambourine in eighths', drums: [{ part: 'tambourine' }] },
  'shimmering shakers': { note: 'Shakers in sixteenths', drums: [{ part: 'shakers' }] },
  'shimmering cymbals': { note: 'Ride cymbal that swells, crashes at the sections', drums: [{ part: 'cymbals' }] },
  clapping: { note: 'Hands on the back beats', drums: [{ part: 'clapping' }] },
  claps: { note: 'As clapping', drums: [{ part: 'clapping' }] },

  // Absences
  'no percussion': { note: 'No percussion, whatever else asks for it', silences: 'percussion' },
  'no voices': { note: 'No voice, whatever else asks for one', silences: 'voices' },
  'no voice': { note: 'As no voices', silences: 'voices' },
  'no singer': { note: 'As no voices: speech and rap are silent too', silences: 'voices' },
};
