import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** Runs a script of `training/`, which reads a job in JSON and prints what it has found in JSON. */
export function runTraining<T>(python: string, script: string, job: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, [join(__dirname, '..', '..', 'training', script)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(JSON.parse(output) as T) : reject(new Error(`training/${script} stopped with ${code}`)),
    );
    child.stdin.end(JSON.stringify(job));
  });
}
