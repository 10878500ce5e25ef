import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiKeys } from '../platform/api-keys';

/**
 * The key of the embedded server's own user: made at the first start and kept beside the data, where whoever can read
 * it can change the data anyway.
 * @returns its text
 */
export async function ensureLocalKey(keys: ApiKeys, dataDir: string): Promise<string> {
  const path = join(dataDir, 'api-key');
  const kept = await readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => '',
  );
  if (await keys.authenticate(kept)) return kept;
  const { text } = await keys.create('local');
  await rm(path, { force: true });
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(`${text}\n`);
  } finally {
    await file.close();
  }
  return text;
}
