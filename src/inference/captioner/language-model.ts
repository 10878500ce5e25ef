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
  /** Logits of the first token of every text. */
  readonly first: Float32Array;
}

/** A language model that writes captions for conditions. */
export interface LanguageModel {
  readonly vocabulary: Vocabulary;
  /** @param conditions ids of attributes @param texts how many texts are written for them */
  draft(conditions: readonly number[], texts: number): Promise<Drafting>;
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
  return { vocabulary, draft: (conditions, texts) => startDrafting(runtime, session, shape, conditions, texts) };
}

async function startDrafting(
  { Tensor }: OnnxRuntime,
  session: InferenceSession,
  shape: TransformerShape,
  conditions: readonly number[],
  texts: number,
): Promise<Drafting> {
  const prefix = [...conditions.map((condition) => shape.vocabulary + condition), shape.start];
  /** Columns of keys and values that each text may look at; a token that was taken back leaves a blind one. */
  const visible = Array.from({ length: texts }, () => prefix.map(() => true));
  const written = Array.from({ length: texts }, () => 0);
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

  // Conditions are a set and see each other; the start sees them and itself.
  const last = prefix.length - 1;
  const looks = prefix.map((_, at) => prefix.map((__, other) => other < last || at === last));
  const starts = visible.map(() => prefix);
  const first = await run(
    starts,
    starts.map((ids) => ids.map((_, at) => (at === last ? 1 : 0))),
    starts.map(() => looks),
  );
  return {
    first: first.slice(0, shape.vocabulary),
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
      return tokens.map((token, text) =>
        token === null ? null : logits.slice(text * shape.vocabulary, (text + 1) * shape.vocabulary),
      );
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
