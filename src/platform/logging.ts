import { pino, type Logger } from 'pino';
import type { LogLevel } from './config';

/** Logs are JSON lines on standard error: standard output belongs to what a command answers. */
export function createLogger(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: ['req.headers.authorization', 'headers.authorization', '*.secretKey', '*.password', '*.hubToken'],
    },
    pino.destination({ fd: 2, sync: true }),
  );
}
