// Runs the conformance cases with the npm client `openai`: cases as JSON on stdin, outcomes as JSON on stdout.
import OpenAI from "openai";

const [, , baseURL] = process.argv;
const client = new OpenAI({ baseURL, apiKey: "-", maxRetries: 0, timeout: 30_000 });

const calls = (list) => (list ?? []).map(({ function: { name, arguments: args } }) => ({ name, arguments: args }));
const usage = (told) => (told ? { prompt: told.prompt_tokens, completion: told.completion_tokens, total: told.total_tokens } : null);

async function whole(request) {
  const answer = await client.chat.completions.create(request);
  const [choice] = answer.choices;
  return {
    text: choice.message.content ?? "",
    calls: calls(choice.message.tool_calls),
    finish_reason: choice.finish_reason,
    usage: usage(answer.usage),
  };
}

async function streamed(request) {
  const outcome = { text: "", calls: [], finish_reason: null, usage: null, pieces: 0 };
  const open = [];
  for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
    if (chunk.usage) outcome.usage = usage(chunk.usage);
    const [choice] = chunk.choices;
    if (!choice) continue;
    outcome.finish_reason = choice.finish_reason ?? outcome.finish_reason;
    if (choice.delta.content) {
      outcome.text += choice.delta.content;
      outcome.pieces += 1;
    }
    for (const part of choice.delta.tool_calls ?? []) {
      const call = (open[part.index] ??= { function: { name: "", arguments: "" } });
      call.function.name += part.function?.name ?? "";
      call.function.arguments += part.function?.arguments ?? "";
    }
  }
  return { ...outcome, calls: calls(open) };
}

async function embedded(request) {
  const answer = await client.embeddings.create(request);
  return { sizes: answer.data.map((row) => row.embedding.length), model: answer.model, usage: answer.usage.total_tokens };
}

async function models() {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  return { names, one: (await client.models.retrieve("fast")).id };
}

const runs = { whole, streamed, embedded, models };
const outcomes = {};
let input = "";
for await (const part of process.stdin) input += part;
for (const { name, run, request } of JSON.parse(input)) {
  try {
    outcomes[name] = await runs[run](request);
  } catch (error) {
    outcomes[name] = {
      error: error.constructor.name,
      status: error.status ?? null,
      code: error.code ?? null,
      type: error.type ?? null,
      message: error.message,
    };
  }
}
console.log(JSON.stringify(outcomes));
