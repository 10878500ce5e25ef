import { printable } from './printable';

/**
 * Progress of something long: a bar with rate and time left on a terminal, plain lines elsewhere.
 */
export interface Progress {
  update(done: number, total: number, note?: string): void;
  /** Prints a line without breaking the bar. */
  line(text: string): void;
  end(): void;
}

export interface ProgressOptions {
  /** What is counted, in the plural. */
  readonly unit: string;
  readonly stream: NodeJS.WriteStream;
  /** How a number of units is written; by default with thousands separators. */
  readonly format?: (count: number) => string;
}

const BAR_WIDTH = 24;
const TERMINAL_INTERVAL_MS = 100;
const PLAIN_INTERVAL_MS = 2_000;

export function createProgress({ unit, stream, format = formatCount }: ProgressOptions): Progress {
  const started = performance.now();
  const interval = stream.isTTY ? TERMINAL_INTERVAL_MS : PLAIN_INTERVAL_MS;
  let lastShown = started;
  let isBarShown = false;

  const clear = () => {
    if (isBarShown) stream.write('\r\x1b[2K');
    isBarShown = false;
  };
  return {
    update(done, total, rawNote = '') {
      const now = performance.now();
      if (now - lastShown < interval && done < total) return;
      lastShown = now;
      const note = printable(rawNote);
      const perSecond = done / Math.max(0.001, (now - started) / 1000);
      const left = done > 0 && done < total ? `, ${formatDuration((total - done) / perSecond)} left` : '';
      const share = total > 0 ? done / total : 1;
      const text = `${format(done)} of ${format(total)} ${unit} (${Math.floor(share * 100)} %), ${format(Math.round(perSecond))}/s${left}`;
      if (!stream.isTTY) {
        stream.write(`${text}${note && `  ${note}`}\n`);
        return;
      }
      const filled = Math.round(share * BAR_WIDTH);
      clear();
      stream.write(
        `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${text}  ${note}`.slice(0, stream.columns),
      );
      isBarShown = true;
    },
    line(text) {
      clear();
      stream.write(`${printable(text)}\n`);
    },
    end: clear,
  };
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}

export function formatBytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  if (seconds < 5400) return `${Math.ceil(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
