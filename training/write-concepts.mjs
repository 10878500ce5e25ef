/**
 * Writes training/concepts.json: what training needs to know of attributes and concepts, from src/concepts. Run it
 * after `npm run build` whenever the concept list has changed.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { ATTRIBUTES, CATEGORIES } = require('../dist/concepts/taxonomy.js');
const { CONCEPT_DEFINITIONS } = require('../dist/concepts/concept-list.js');
const { CONCEPTS, contradict } = require('../dist/concepts/concepts.js');

const nameOf = ({ name }) => name;
const content = {
  taxonomy: Object.fromEntries(
    CATEGORIES.map((category) => [
      category,
      ATTRIBUTES.filter((attribute) => attribute.category === category).map(nameOf),
    ]),
  ),
  contradictions: ATTRIBUTES.flatMap((a) =>
    ATTRIBUTES.slice(a.index + 1)
      .filter((b) => contradict(a.index, b.index))
      .map((b) => [a.name, b.name]),
  ),
  concepts: CONCEPT_DEFINITIONS.map(({ name, attributes }, index) => ({
    name,
    attributes,
    broader: CONCEPTS[index].includedIn.map((broader) => CONCEPTS[broader].name),
  })),
};
const compact = (value) => JSON.stringify(value).replaceAll('","', '", "');
const part = (key, values) =>
  `  ${JSON.stringify(key)}: [\n${values.map((value) => `    ${compact(value)}`).join(',\n')}\n  ]`;
writeFileSync(
  new URL('concepts.json', import.meta.url),
  `{\n  "taxonomy": ${JSON.stringify(content.taxonomy)},\n${part('contradictions', content.contradictions)},\n${part('concepts', content.concepts)}\n}\n`,
);
console.log(
  `${ATTRIBUTES.length} attributes, ${content.contradictions.length} contradictory pairs, ${content.concepts.length} concepts`,
);
