import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** What the built-in models compute here is what they computed in PyTorch, where they were trained. */
test.each(['mean', 'logVariance', 'logits', 'captioner'])('%s is that of PyTorch within 1e-4', (part) => {
  const script = join(__dirname, 'support', 'model-parity.mjs');
  const found = JSON.parse(execFileSync(process.execPath, [script], { encoding: 'utf8' })) as Record<string, number>;
  expect(found[part]).toBeLessThan(1e-4);
});
