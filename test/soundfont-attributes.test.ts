import { ATTRIBUTES, CATEGORIES, findAttribute } from '../src/concepts/taxonomy';
import {
  ATTRIBUTE_TABLE,
  MEANINGS,
  UNSUPPORTED_ATTRIBUTES,
  WEAK_ATTRIBUTES,
} from '../src/inference/soundfont/attribute-table';
import { compose } from '../src/inference/soundfont/compose';
import { STYLES, styleOf, type StyleName } from '../src/inference/soundfont/styles';
import { VOICES, ORCHESTRA } from '../src/inference/soundfont/voices';

const index = (name: string) => findAttribute(name)!.index;
const UNSUPPORTED = new Set(UNSUPPORTED_ATTRIBUTES.map(({ attribute }) => attribute));
const BASES = [
  [],
  ['piano', 'violin', 'drums', 'bass', 'male voice'],
  ['guitar', 'pop', 'medium tempo', 'percussion', 'rap'],
];

describe('the attribute table', () => {
  it('has a row for each of the 200 attributes, in its category, and no other', () => {
    for (const category of CATEGORIES) {
      const names = ATTRIBUTES.filter((attribute) => attribute.category === category).map(({ name }) => name);
      expect(Object.keys(ATTRIBUTE_TABLE[category]).sort()).toEqual([...names].sort());
    }
    for (const { note } of MEANINGS) expect(note.length).toBeGreaterThan(2);
  });

  it('says why what is not supported is not, and where the rest is weak', () => {
    expect(UNSUPPORTED_ATTRIBUTES.map(({ attribute }) => attribute)).toEqual(['contemporary']);
    expect(WEAK_ATTRIBUTES.length).toBeGreaterThan(20);
    for (const { reason } of [...UNSUPPORTED_ATTRIBUTES, ...WEAK_ATTRIBUTES]) expect(reason).toMatch(/\w.*\.$/);
  });

  it('lets instruments decide about their own parts only', () => {
    for (const [name, meaning] of Object.entries(ATTRIBUTE_TABLE.instrument)) {
      const fields = Object.keys(meaning).filter((field) => !['note', 'weakness'].includes(field));
      expect({ name, fields }).toEqual({ name, fields: [expect.stringMatching(/^(parts|drums|silences)$/)] });
    }
  });

  it.each(ATTRIBUTES.filter(({ name }) => !UNSUPPORTED.has(name)).map(({ name }) => [name]))(
    'makes "%s" audible',
    (name) => {
      const isHeard = BASES.some((base) =>
        [1, 2, 3, 4].some((seed) => {
          const without = compose(base.map(index), seed, 20);
          return JSON.stringify(compose([...base, name].map(index), seed, 20)) !== JSON.stringify(without);
        }),
      );
      expect(isHeard).toBe(true);
    },
  );

  it('leaves the music as it is for what is not supported', () => {
    for (const { attribute } of UNSUPPORTED_ATTRIBUTES) {
      for (const base of BASES) {
        const list = base.map(index);
        expect(compose([...list, index(attribute)], 5, 20)).toEqual(compose(list, 5, 20));
      }
    }
  });

  it('has ranges that are in order', () => {
    for (const { bpm } of MEANINGS) if (bpm) expect(bpm[0]).toBeLessThan(bpm[1]);
    for (const { range } of [...VOICES, ...ORCHESTRA]) expect(range[1] - range[0]).toBeGreaterThanOrEqual(15);
  });
});

describe('the styles', () => {
  it.each(Object.keys(STYLES).map((name) => [name as StyleName]))('are written in sound notation: %s', (name) => {
    const style = styleOf(name);
    for (const pattern of style.comp) expect(pattern).toMatch(/^[Xxo.-]{16}$/);
    for (const pattern of style.bass) expect(pattern).toMatch(/^[R3578a.-]{16}$/);
    for (const groove of style.grooves)
      for (const pattern of Object.values(groove)) expect(pattern).toMatch(/^[Xxo.]{16}$/);
    for (const progression of style.progressions) expect(progression).toMatch(/^[1-7](\/[1-7])?( [1-7](\/[1-7])?)*$/);
    const bars = style.progressions.map((progression) => progression.split(' ').length);
    for (const count of bars) expect((style.sectionBars ?? 4) % count).toBe(0);
  });
});
