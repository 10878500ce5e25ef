import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { openSession, type OnnxRuntime } from '../onnx';

/** Text in tokens, as far as decoding needs to know. */
export interface Vocabulary {
  /** The text of each token, its leading space included. */
  readonly texts: readonly string[];
  readonly end: number;
  /** Tokens that are no text. */
  readonly special: readonly number[];
  /** Words that captions are made of, lower case. */
  readonly words: ReadonlySet<string>;
  /** What these words begin with, themselves included. */
  readonly beginnings: ReadonlySet<string>;
  encode(text: string): number[];
}

/** Several texts that are written side by side, each on its own. */
export interface Drafting {
  /**
   * Puts one token behind each text.
   * @param tokens one for each text, or null for a text that is left as it is
   * @returns for each text: logits of its next token, or null
   */
  step(tokens: readonly (number | null)[]): Promise<(Float32Array | null)[]>;
  /** Takes the last tokens of a text back. */
  takeBack(text: number, tokens: number): void;
  /** Logits of the first token of each text. */
  readonly first: readonly Float32Array[];
}

/** A language model that writes captions for conditions. */
export interface LanguageModel {
  readonly vocabulary: Vocabulary;
  /** @param conditions for each text, the attributes that it is written for */
  draft(conditions: readonly (readonly number[])[]): Promise<Drafting>;
}

export interface TransformerShape {
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  /** Text tokens; conditions follow them. */
  readonly vocabulary: number;
  readonly start: number;
  readonly pad: number;
}

/** The transformer of `training/captioner/model.py`, with its keys and values kept from step to step. */
export async function openTransformer(
  runtime: OnnxRuntime,
  path: string,
  shape: TransformerShape,
  vocabulary: Vocabulary,
): Promise<LanguageModel> {
  const session = await openSession(runtime, path);
  return { vocabulary, draft: (conditions) => startDrafting(runtime, session, shape, conditions) };
}

async function startDrafting(
  { Tensor }: OnnxRuntime,
  session: InferenceSession,
  shape: TransformerShape,
  conditions: readonly (readonly number[])[],
): Promise<Drafting> {
  const texts = conditions.length;
  const width = Math.max(...conditions.map(({ length }) => length));
  // Padded on the left, so that all texts start in the same column.
  const prefixes = conditions.map((given) => [
    ...Array.from({ length: width - given.length }, () => shape.pad),
    ...given.map((condition) => shape.vocabulary + condition),
    shape.start,
  ]);
  /** Columns of keys and values that each text may look at; a token that was taken back leaves a blind one. */
  const visible = prefixes.map((ids) => ids.map((id) => id !== shape.pad));
  const written = conditions.map(() => 0);
  let past = new Tensor('float32', new Float32Array(0), [
    shape.layers,
    2,
    texts,
    shape.heads,
    0,
    shape.width / shape.heads,
  ]) as Tensor;

  async function run(ids: number[][], positions: number[][], allowed: boolean[][][]): Promise<Float32Array> {
    const [rows, length, all] = [ids.length, ids[0]!.length, allowed[0]![0]!.length];
    const integers = (matrix: number[][]) =>
      new Tensor(
        'int64',
        BigInt64Array.from(matrix.flat(), (value) => BigInt(value)),
        [rows, length],
      );
    const { logits, present } = (await session.run({
      ids: integers(ids),
      positions: integers(positions),
      allowed: new Tensor('bool', Uint8Array.from(allowed.flat(2), Number), [rows, length, all]),
      past,
    })) as Record<'logits' | 'present', Tensor>;
    past = present;
    return logits.data as Float32Array;
  }

  // Conditions are a set and see each other; the start sees them and itself; a padding sees itself and is not seen.
  const first = await run(
    prefixes,
    prefixes.map((ids) => ids.map((_, at) => (at === width ? 1 : 0))),
    visible.map((columns) =>
      columns.map((_, at) =>
        columns.map((isSeen, other) => at === other || (isSeen && (other < width || at === width))),
      ),
    ),
  );
  const logitsOf = (logits: Float32Array, text: number) =>
    logits.slice(text * shape.vocabulary, (text + 1) * shape.vocabulary);
  return {
    first: conditions.map((_, text) => logitsOf(first, text)),
    async step(tokens) {
      const positions = tokens.map((token, text) => (token === null ? 1 : 1 + (written[text]! += 1)));
      const allowed = visible.map((columns, text) => {
        columns.push(tokens[text] !== null);
        // A softmax over nothing would be no number.
        return [columns.with(-1, true)];
      });
      const logits = await run(
        tokens.map((token) => [token ?? shape.pad]),
        positions.map((position) => [position]),
        allowed,
      );
      return tokens.map((token, text) => (token === null ? null : logitsOf(logits, text)));
    },
    takeBack(text, tokens) {
      written[text]! -= tokens;
      const columns = visible[text]!;
      for (let left = tokens, at = columns.length - 1; left > 0; at--) {
        if (!columns[at]) continue;
        columns[at] = false;
        left--;
      }
    },
  };
}
