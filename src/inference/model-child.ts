import { learnedModels, type LearnedModels } from './learned-models';
import { loadOnnxRuntime } from './onnx';
import { EngineError } from './stages';

/**
 * The process in which the built-in models run: nobody's event loop waits for them, and a crash of native code ends
 * nothing but what they were asked.
 */
export interface ModelCall {
  readonly id: number;
  readonly method: keyof LearnedModels;
  readonly args: readonly unknown[];
}

export type ModelAnswer = { readonly id: number } & (
  { readonly result: unknown } | { readonly error: string; readonly isExpected: boolean }
);

const models = loadOnnxRuntime().then((runtime) => learnedModels(runtime));
models.catch(() => undefined);

async function answer({ id, method, args }: ModelCall): Promise<ModelAnswer> {
  try {
    const called = (await models) as unknown as Record<string, (...given: readonly unknown[]) => Promise<unknown>>;
    return { id, result: await called[method]!(...args) };
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const isExpected = error instanceof EngineError;
    return { id, error: isExpected ? error.message : message, isExpected };
  }
}

process.on('message', (call: ModelCall) => {
  answer(call)
    .then((result) => process.send!(result))
    .catch(() => process.exit(1));
});
// Nobody asks any more.
process.once('disconnect', () => process.exit(0));
