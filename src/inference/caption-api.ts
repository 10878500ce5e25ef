import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { CONCEPTS } from '../concepts/concepts';
import { ATTRIBUTES } from '../concepts/taxonomy';
import { askedConcepts, faultsOf, isFaithful, type Faults } from './captioner/faithful';
import type { CaptionApiConfig } from '../platform/config';
import { EngineError, type CaptionRequest, type CaptionWriter, type WrittenCaption } from './stages';

/** Longer answers are no captions; real ones have 300 to 700 characters. */
const MAX_CHARACTERS = 2_000;
const MAX_TOKENS = 300;
const TEMPERATURE = 0.7;
/** A service that asks for more patience is passed over. */
const MAX_PAUSE_MS = 30_000;
const FIRST_PAUSE_MS = 500;
/** What an answer may weigh: no service has reason to send more for a caption. */
const MAX_ANSWER_BYTES = 1_000_000;

const answerSchema = z.object({
  choices: z
    .array(z.object({ message: z.object({ content: z.string() }), finish_reason: z.string().nullish() }))
    .min(1),
});

/**
 * Captions by a language model behind an OpenAI-compatible API (`POST {base}/chat/completions`: vLLM, llama.cpp,
 * Ollama or a hosted service), for example Llama 3.1 8B as in the ConceptCaps paper. The contract is that of the
 * built-in captioner: an answer that misses a concept or says one too many is asked for again with the fault named.
 *
 * @param fallback writes where the service has not given a faithful caption; null: that is an error
 */
export function captionApi(config: CaptionApiConfig, fallback: CaptionWriter | null): CaptionWriter {
  const writer: CaptionWriter = {
    name: 'caption-api',
    // Of the prompt and of the model that answers it.
    version: `1 (${config.model})`,
    isPlaceholder: false,
    // What runs behind the address is not ours to check.
    models: () => fallback?.models() ?? Promise.resolve([]),
    async write(request) {
      try {
        const { caption, attempts } = await faithfulCaption(config, request);
        const parameters = { model: config.model, seed: request.seed, temperature: TEMPERATURE, attempts };
        return { caption, by: { ...writer, models: () => Promise.resolve([]) }, parameters };
      } catch (error) {
        if (fallback === null || !(error instanceof EngineError)) throw error;
        const written: WrittenCaption = await fallback.write(request);
        return { ...written, parameters: { ...written.parameters, insteadOf: writer.name, because: error.message } };
      }
    },
  };
  return writer;
}

interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** What one question came to. */
type Outcome =
  | { readonly kind: 'answered'; readonly caption: string }
  | { readonly kind: 'failed'; readonly reason: string; readonly pauseMs: number | null }
  | { readonly kind: 'refused'; readonly reason: string };

async function faithfulCaption(
  config: CaptionApiConfig,
  { attributes, seed, signal }: CaptionRequest,
): Promise<{ caption: string; attempts: number }> {
  const asked = askedConcepts(attributes);
  const question = questionOf(attributes);
  let messages = question;
  let reason = '';
  for (let attempt = 1; attempt <= config.attempts; attempt++) {
    const outcome = await ask(config, messages, seed + attempt - 1, signal);
    if (outcome.kind === 'answered') {
      const faults = faultsOf(outcome.caption, asked);
      if (isFaithful(faults)) return { caption: outcome.caption, attempts: attempt };
      reason = faultInWords(faults);
      messages = [
        ...question,
        { role: 'assistant', content: outcome.caption },
        { role: 'user', content: `This caption is not right: ${reason}. Write it again without that fault.` },
      ];
      continue;
    }
    reason = outcome.reason;
    if (outcome.kind === 'refused') break;
    messages = question;
    if (attempt < config.attempts) {
      const pause = outcome.pauseMs ?? FIRST_PAUSE_MS * 2 ** (attempt - 1);
      await wait(Math.min(pause, MAX_PAUSE_MS), undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
  throw new EngineError(`the caption service gave no faithful caption: ${reason}`);
}

async function ask(
  config: CaptionApiConfig,
  messages: readonly Message[],
  seed: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const timeout = AbortSignal.timeout(config.timeoutSeconds * 1_000);
  try {
    const response = await fetch(`${config.base}/chat/completions`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(config.key !== null && { authorization: `Bearer ${config.key}` }),
      },
      body: JSON.stringify({
        model: config.model,
        messages,
        seed: seed >>> 0,
        temperature: TEMPERATURE,
        max_tokens: MAX_TOKENS,
      }),
      signal: AbortSignal.any([signal, timeout]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      return refusalOf(response);
    }
    return captionIn(await boundedText(response));
  } catch (error) {
    signal.throwIfAborted();
    const reason = timeout.aborted ? `it did not answer within ${config.timeoutSeconds} s` : describe(error);
    return { kind: 'failed', reason, pauseMs: null };
  }
}

/** What does not get better by asking again is told apart from what may. */
function refusalOf({ status, headers }: Response): Outcome {
  const reason = `it answered with status ${status}`;
  if (status !== 429 && status !== 408 && status < 500) return { kind: 'refused', reason };
  const after = headers.get('retry-after');
  const seconds = after === null ? NaN : Number(after);
  const pauseMs =
    after === null ? null : (Number.isNaN(seconds) ? Date.parse(after) - Date.now() : seconds * 1_000) || 0;
  if (pauseMs !== null && pauseMs > MAX_PAUSE_MS)
    return { kind: 'refused', reason: `${reason} and wants to be left alone` };
  return { kind: 'failed', reason, pauseMs: pauseMs === null ? null : Math.max(0, pauseMs) };
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array);
    size += (chunk as Uint8Array).length;
    if (size > MAX_ANSWER_BYTES) throw new Error('its answer is too long');
  }
  return Buffer.concat(chunks).toString('utf8');
}

function captionIn(body: string): Outcome {
  const malformed = (reason: string): Outcome => ({ kind: 'failed', reason, pauseMs: 0 });
  let answer: z.infer<typeof answerSchema>;
  try {
    answer = answerSchema.parse(JSON.parse(body));
  } catch {
    return malformed('its answer is not that of a chat completion');
  }
  const { message, finish_reason: finish } = answer.choices[0]!;
  if (finish === 'length') return malformed('its answer was cut off');
  const caption = message.content
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/^(?:caption|here is the caption)\s*:\s*/i, '')
    .replace(/^["“](.*)["”]$/, '$1');
  if (caption === '' || caption.length > MAX_CHARACTERS) {
    return malformed(caption === '' ? 'its answer is empty' : 'its answer is too long for a caption');
  }
  return { kind: 'answered', caption };
}

function questionOf(attributes: readonly number[]): Message[] {
  return [
    {
      role: 'system',
      content:
        'You write captions of pieces of music: three or four sentences, about 70 words, plain prose without lists. ' +
        'You say everything that is asked for, and name no other instrument, voice, tempo or genre. ' +
        'What is asked for as absent ("no percussion") you say is absent. You answer with the caption alone.',
    },
    {
      role: 'user',
      content: `Write a caption of a piece of music with: ${attributes.map((attribute) => ATTRIBUTES[attribute]!.name).join(', ')}.`,
    },
  ];
}

function faultInWords({ missing, leaked }: Faults): string {
  const names = (concepts: readonly number[]) => concepts.map((concept) => `"${CONCEPTS[concept]!.name}"`).join(', ');
  return [
    ...(missing.length > 0 ? [`it does not say ${names(missing)}`] : []),
    ...(leaked.length > 0 ? [`it says ${names(leaked)}, which was not asked for`] : []),
  ].join(', and ');
}

/** Of a request that failed: the address may hold a password, so messages of the runtime are not passed on whole. */
function describe(error: unknown): string {
  const code = (error as { cause?: { code?: unknown } }).cause?.code;
  if (typeof code === 'string') return `it cannot be reached (${code})`;
  return error instanceof Error && error.message === 'its answer is too long' ? error.message : 'it cannot be reached';
}
