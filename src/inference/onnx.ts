import type * as onnxruntime from 'onnxruntime-node';

/** The module `onnxruntime-node`, loaded where models run and nowhere else: it brings native code with it. */
export type OnnxRuntime = typeof onnxruntime;

/**
 * Loads it, and tells it to keep to itself: on Linux its builds (1.30) would count sessions in a file in the
 * user's home, lay logs into the directory for temporary files, and report to their maker. Whoever wants that sets
 * ORT_DISABLE_TELEMETRY=0.
 */
export async function loadOnnxRuntime(): Promise<OnnxRuntime> {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  return import('onnxruntime-node');
}

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
