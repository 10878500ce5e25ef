import type * as onnxruntime from 'onnxruntime-node';

/** The module `onnxruntime-node`, loaded where models run and nowhere else: it brings native code with it. */
export type OnnxRuntime = typeof onnxruntime;

/** The service has other things to do; and with one thread the same input gives the same bits. */
const THREADS = 1;

export function openSession(runtime: OnnxRuntime, path: string): Promise<onnxruntime.InferenceSession> {
  return runtime.InferenceSession.create(path, {
    executionProviders: ['cpu'],
    intraOpNumThreads: THREADS,
    interOpNumThreads: THREADS,
    executionMode: 'sequential',
    logSeverityLevel: 3,
  });
}
