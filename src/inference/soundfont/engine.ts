import { fork } from 'node:child_process';
import { join } from 'node:path';
import { EngineError, type AudioEngine, type AudioRequest } from '../stages';
import type { RenderAnswer, RenderJob } from './render-child';

/**
 * The engine that works everywhere: attributes become a short piece of music, rendered with a General MIDI SoundFont.
 * The version grows with every change to composer, tables or renderer that changes a sound.
 */
const CHILD = join(__dirname, 'render-child.js');
/** A 30 s clip takes about a second and a half. */
const TIMEOUT_MS = 120_000;

export const SOUNDFONT_ENGINE: AudioEngine = { engine: 'SOUNDFONT', name: 'soundfont', version: '1', render };

function render({ attributes, seed, durationSeconds }: AudioRequest, signal: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = fork(CHILD, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let errors = '';
    child.stderr!.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2_000)));
    const abort = () => {
      child.kill('SIGKILL');
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new EngineError(`the soundfont engine did not finish within ${TIMEOUT_MS / 1000} s`));
    }, TIMEOUT_MS);
    signal.addEventListener('abort', abort, { once: true });
    child.once('message', (answer: RenderAnswer) => {
      if ('wav' in answer) resolve(answer.wav);
      else reject(new EngineError(`the soundfont engine failed: ${answer.error}`));
    });
    child.once('error', (cause) => reject(new EngineError('the soundfont engine could not be started', { cause })));
    child.once('exit', (code, killedBy) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      // After the clip has arrived this does nothing.
      reject(new EngineError(`the soundfont engine stopped with ${killedBy ?? code}: ${errors.trim()}`));
    });
    const job: RenderJob = { attributes, seed, durationSeconds };
    child.send(job);
  });
}
