import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/**
 * The training code, from rows to ONNX files, on a tiny set: switched on by TRAINING_PYTHON, a Python with what
 * training/requirements.txt names, because that is a gigabyte which nobody needs who does not train.
 */
const python = process.env.TRAINING_PYTHON;
const title = 'training runs from end to end (set TRAINING_PYTHON, see training/README.md)';

(python ? test : test.skip)(
  title,
  () => {
    const { status, stdout, stderr } = spawnSync(python!, ['-m', 'pytest', '-q'], {
      cwd: join(__dirname, '..', 'training'),
      encoding: 'utf8',
    });
    expect({ status, output: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, output: '' });
  },
  600_000,
);
