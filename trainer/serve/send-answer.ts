import type { ServerResponse } from 'node:http';
import { sendJson } from '../rollout/remote/http.ts';
import { type Answer, usageOf } from './answer.ts';
import { ApiError } from './api-error.ts';
import type { Piece } from './completion-text.ts';
import type { ServedModel } from './served-model.ts';

/** Answers as a whole, or as a stream of server-sent events; whoever hangs up has nothing more sampled. */
export async function sendAnswer(model: ServedModel, answer: Answer, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  const hangUp = (): void => gone.abort();
  response.once('close', hangUp);
  try {
    await (answer.stream ? stream : sendWhole)(model, answer, response, gone.signal);
  } finally {
    response.off('close', hangUp);
  }
}

async function sendWhole(
  model: ServedModel,
  { asks, sampling, whole }: Answer,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const choices: Piece[][] = Array.from({ length: asks.length * sampling.n }, () => []);
  const tokens = await model.complete(asks, sampling, (index, piece) => choices[index]?.push(piece), signal);
  if (!signal.aborted) sendJson(response, 200, whole(choices, usageOf(asks, tokens)));
}

async function stream(
  model: ServedModel,
  { asks, sampling, chunk, first, part, includeUsage }: Answer,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const send = (choices: readonly object[], usage: object | null = null): void => {
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
      if (first) for (let index = 0; index < asks.length * sampling.n; index++) send([first(index)]);
    }
    event(response, { ...chunk, choices, ...(includeUsage && { usage }) });
  };
  try {
    const tokens = await model.complete(asks, sampling, (index, piece) => send([part(index, piece)]), signal);
    if (signal.aborted) return;
    if (includeUsage) send([], usageOf(asks, tokens));
    response.end('data: [DONE]\n\n');
  } catch (error) {
    if (!response.headersSent) throw error;
    console.error(error);
    event(response, new ApiError(500, 'the model failed while it answered').body);
    response.end();
  }
}

function event(response: ServerResponse, data: object): void {
  response.write(`data: ${JSON.stringify(data)}\n\n`);
}
