import type { Stroke } from './perform';

/**
 * What is played between the beats at a slow tempo is heard as beats itself, and the music as twice as fast. A spare
 * texture leaves it out: strokes on the beats last for as long as what followed them there, and a line that has none on a
 * beat comes onto them.
 * @param line of one player or drum, in one bar
 */
export function onBeats(line: readonly Stroke[]): Stroke[] {
  const kept = line.filter(({ startBeats }) => Number.isInteger(startBeats));
  if (kept.length === line.length) return [...line];
  const busy = new Set(line.filter((stroke) => !kept.includes(stroke)).map(beatOf));
  const moved = new Map(
    line.map((stroke) => [`${beatOf(stroke)} ${stroke.pitch}`, { ...stroke, startBeats: beatOf(stroke) }]),
  );
  return (kept.length > 0 ? kept : [...moved.values()]).map((stroke) =>
    busy.has(stroke.startBeats) ? { ...stroke, durationBeats: Math.max(1, stroke.durationBeats) } : stroke,
  );
}

function beatOf({ startBeats }: Stroke): number {
  return Math.floor(startBeats);
}
