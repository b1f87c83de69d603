"""Runs the conformance cases with the official Python client: cases as JSON on stdin, outcomes as JSON on stdout."""

import json
import sys
from typing import Any

import openai

client = openai.OpenAI(base_url=sys.argv[1], api_key="-", max_retries=0, timeout=30)


def usage_of(told: Any) -> dict[str, int] | None:
    if told is None:
        return None
    return {"prompt": told.prompt_tokens, "completion": told.completion_tokens, "total": told.total_tokens}


def whole(request: dict[str, Any]) -> dict[str, Any]:
    answer = client.chat.completions.create(**request)
    message = answer.choices[0].message
    calls = [{"name": each.function.name, "arguments": each.function.arguments} for each in message.tool_calls or []]
    reason = answer.choices[0].finish_reason
    return {"text": message.content or "", "calls": calls, "finish_reason": reason, "usage": usage_of(answer.usage)}


def streamed(request: dict[str, Any]) -> dict[str, Any]:
    text, pieces, reason, usage = "", 0, None, None
    calls: dict[int, dict[str, str]] = {}
    for chunk in client.chat.completions.create(**request, stream=True):
        usage = usage_of(chunk.usage) or usage
        if not chunk.choices:
            continue
        choice = chunk.choices[0]
        reason = choice.finish_reason or reason
        if choice.delta.content:
            text += choice.delta.content
            pieces += 1
        for part in choice.delta.tool_calls or []:
            call = calls.setdefault(part.index, {"name": "", "arguments": ""})
            call["name"] += part.function.name or ""
            call["arguments"] += part.function.arguments or ""
    told = {"text": text, "calls": list(calls.values()), "finish_reason": reason, "usage": usage, "pieces": pieces}
    return told


def embedded(request: dict[str, Any]) -> dict[str, Any]:
    answer = client.embeddings.create(**request)
    sizes = [len(row.embedding) for row in answer.data]
    return {"sizes": sizes, "model": answer.model, "usage": answer.usage.total_tokens}


def models(request: dict[str, Any]) -> dict[str, Any]:
    del request
    return {"names": [model.id for model in client.models.list()], "one": client.models.retrieve("fast").id}


def outcome(case: dict[str, Any]) -> dict[str, Any]:
    try:
        return RUNS[case["run"]](case["request"])
    except openai.APIError as error:
        return {
            "error": type(error).__name__,
            "status": getattr(error, "status_code", None),
            "code": error.code,
            "type": error.type,
            "message": error.message,
        }


RUNS = {"whole": whole, "streamed": streamed, "embedded": embedded, "models": models}
print(json.dumps({case["name"]: outcome(case) for case in json.load(sys.stdin)}))
