/**
 * Parses the repr of a Python list of strings, such as `['pop', "rock 'n' roll"]`: the published `aspect_list` column.
 * @returns null where the text is anything else.
 */
export function parsePythonStringList(text: string): string[] | null {
  const body = /^\s*\[(.*)\]\s*$/s.exec(text)?.[1];
  if (body === undefined) return null;
  if (body.trim() === '') return [];

  const items: string[] = [];
  const item = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*(,|$)/sy;
  while (item.lastIndex < body.length) {
    const match = item.exec(body);
    if (!match) return null;
    items.push((match[1] ?? match[2] ?? '').replace(/\\(.)/gs, (_, escaped: string) => ESCAPES[escaped] ?? escaped));
    if (match[3] === '') return items;
    // Python allows one comma after the last item.
    if (body.slice(item.lastIndex).trim() === '') return items;
  }
  return null;
}

const ESCAPES: Partial<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };
