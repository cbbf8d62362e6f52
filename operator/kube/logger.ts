import { createLogger as createWinstonLogger, format, transports, type Logger } from 'winston';

export type { Logger };

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Tokens of Hugging Face, bearer tokens and JSON web tokens, should one be part of someone's message. */
const secrets = /\bhf_\w{8,}|\bBearer\s+[\w.~+/=-]+|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+/g;

/**
 * One JSON object a line on stdout: timestamp, level, message, and what the caller adds. Of an error under any name only
 * what describes it is written, as clients like to hang requests with all their headers on errors.
 */
export function createLogger(level: LogLevel): Logger {
  return createWinstonLogger({
    level,
    format: format.combine(upTo(level)(), format.timestamp(), format.json({ replacer })),
    transports: [new transports.Console({ stderrLevels: [] })],
  });
}

/** Winston writes no line of a lower level, but makes it first; a pass has a line of its own. */
function upTo(level: LogLevel): ReturnType<typeof format> {
  const written: readonly string[] = logLevels.slice(0, logLevels.indexOf(level) + 1);
  return format((line) => written.includes(line.level) && line);
}

function replacer(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return value.replace(secrets, '[redacted]');
  return value instanceof Error ? describe(value) : value;
}

function describe(error: Error): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  const { status, reason, code } = error as { status?: unknown; reason?: unknown; code?: unknown };
  return { name, message, status, reason, code, stack, cause };
}
