/**
 * The queries that GraphiQL opens with, ready to run. A test runs them against the server as well, so this file imports
 * nothing: it is part of the browser's bundle and of the node program.
 */
export interface ExampleQuery {
  /** The operation's name, which is also the title of its tab. */
  readonly name: string;
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export const EXAMPLE_QUERIES: readonly ExampleQuery[] = [
  {
    name: 'Dataset',
    query: `# What data this server has, and under which terms.
query Dataset {
  dataset {
    version
    sampleCount
    sources {
      name
      license
      citation
    }
  }
}
`,
  },
  {
    name: 'Samples',
    query: `# Samples that carry some attributes and not others, and which other attributes those samples carry.
query Samples($filter: SampleFilter, $first: Int) {
  samples(filter: $filter, first: $first) {
    totalCount
    pageInfo {
      endCursor
      hasNextPage
    }
    facets {
      attribute {
        name
        category
      }
      count
    }
    edges {
      node {
        id
        sourceId
        caption
        attributes {
          name
          category
        }
        audio {
          url
          expiresAt
          durationSeconds
          sampleRate
          channels
          mediaType
        }
      }
    }
  }
}
`,
    variables: { filter: { attributes: { all: ['piano'], none: ['no voices'] } }, first: 5 },
  },
  {
    name: 'CaptionSearch',
    query: `# Words in the caption, whatever the attributes say. A sample carries a concept by attribute and mentions it by caption.
query CaptionSearch($text: String!, $after: String) {
  samples(filter: { text: $text }, first: 10, after: $after) {
    totalCount
    pageInfo {
      endCursor
      hasNextPage
    }
    edges {
      cursor
      node {
        id
        caption
        carries {
          name
        }
        mentions {
          name
        }
      }
    }
  }
}
`,
    variables: { text: 'melancholic or sad', after: null },
  },
  {
    name: 'Concepts',
    query: `# The concepts that sets can be asked for, the attributes behind each, and what contradicts it.
query Concepts {
  concepts {
    name
    sampleCount
    attributes {
      name
    }
    contradicts {
      name
    }
  }
}
`,
  },
  {
    name: 'ConceptSet',
    query: `# Examples with and without a concept, paired so that nothing else differs much, and what they are worth.
query ConceptSet($input: ConceptSetInput!) {
  conceptSet(input: $input) {
    id
    dataVersion
    available {
      positives
      negatives
    }
    deficit {
      positives
      negatives
    }
    pairs {
      positive {
        caption
        audio {
          url
        }
      }
      negative {
        caption
      }
      differing {
        name
      }
    }
    diagnostics {
      exclusions {
        side
        reason
        count
      }
      contamination {
        negatives
        naiveNegatives
      }
      balance {
        meanAbsSmd
        naiveMeanAbsSmd
        worst(first: 3) {
          attribute {
            name
          }
          smd
        }
      }
    }
    exports {
      format
      url
    }
  }
}
`,
    variables: { input: { concept: 'piano', positives: 5, strategy: 'MATCHED', seed: 7 } },
  },
  {
    name: 'Attributes',
    query: `# The attributes of one category: TEMPO, GENRE, MOOD or INSTRUMENT.
query Attributes($category: Category!) {
  attributes(category: $category) {
    name
    sampleCount
  }
}
`,
    variables: { category: 'TEMPO' },
  },
  {
    name: 'Cooccurrence',
    query: `# How often categories occur together. pmi: bits; 0 is chance, 1 twice as often.
query Cooccurrence {
  cooccurrence(of: CATEGORY) {
    sampleCount
    rows
    columns
    rowCounts
    counts
    pmi
  }
}
`,
  },
  {
    name: 'SuggestAttributes',
    query: `# What goes with some attributes, and how well. The same seed gives the same suggestions.
query SuggestAttributes {
  suggestAttributes(input: { attributes: ["violin", "techno"], without: ["drums"], first: 5, seed: 7 }) {
    attributes {
      name
      category
    }
    plausibility
    implausiblePairs {
      attributes {
        name
      }
      lift
    }
  }
  nearestSamples(attributes: ["violin", "techno"], first: 3) {
    distance
    sample {
      caption
    }
  }
}
`,
  },
  {
    name: 'RequestGeneration',
    query: `# Samples that are not there yet. Put the key that the server prints at its start into the tab Headers.
mutation RequestGeneration($input: GenerationInput!) {
  requestGeneration(input: $input) {
    id
    state
    queuePosition
    estimatedSecondsLeft
  }
}
`,
    variables: { input: { topUp: { concept: 'beatboxing', positives: 10 }, durationSeconds: 5, seed: 1 } },
    headers: { Authorization: 'Bearer KEY' },
  },
  {
    name: 'Generations',
    query: `# What has been asked for, and what became of it.
query Generations {
  generations(first: 5) {
    totalCount
    edges {
      node {
        id
        state
        progress
        stage
        error {
          code
          message
        }
        samples(first: 3) {
          caption
          audio {
            url
          }
          provenance {
            seed
            stages {
              stage
              name
              isPlaceholder
            }
          }
        }
      }
    }
  }
}
`,
  },
];
