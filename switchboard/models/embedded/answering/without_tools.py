"""Chat without tools: answers from the context that the messages give, or says that it cannot."""

from collections.abc import Mapping
from typing import Any

import orjson

from switchboard.contracts.errors import InvalidRequest
from switchboard.models.embedded.answering.extraction import SUPPORT_MIN, Extractor
from switchboard.models.embedded.answering.units import NumberedPassage
from switchboard.models.embedded.completion import CompletionRequest
from switchboard.models.embedded.dialogue import act_of, today_of
from switchboard.models.embedded.json_types import is_object
from switchboard.models.embedded.slots.values import values_in
from switchboard.models.embedded.tools.profile import Parameter, resolved
from switchboard.models.embedder import Embedder
from switchboard.text.sentences import sentences

CONTEXT_CHARACTERS_MIN = 200
CANNOT = "I'm sorry, I cannot answer that: I only know what this conversation gives me."


class PlainChat:
    """Extracts and fills; never makes anything up."""

    def __init__(self, extractor: Extractor, embedder: Embedder) -> None:
        self._extractor = extractor
        self._embedder = embedder

    async def answer(self, request: CompletionRequest) -> str:
        message = request.messages[request.last_user].text
        act, _ = act_of(message)
        if act == "greeting":
            return "Hello! How can I help you?"
        if act in ("thanks", "bye"):
            return "You're welcome."
        question, context = _split(message)
        texts = [context, *(each.text for each in request.messages if each.role == "system")]
        sources = [NumberedPassage(n, "", text) for n, text in enumerate(filter(None, texts), 1) if len(text) >= 40]
        if not sources:
            return CANNOT
        extract = await self._extractor.extract(question, sources)
        if extract.support < SUPPORT_MIN:
            return CANNOT
        for source in sources:
            extract_text = extract.text.replace(f" [{source.n}]", "")
            extract = type(extract)(extract_text, extract.support)
        return extract.text

    async def structured(self, request: CompletionRequest, schema: Mapping[str, Any]) -> str:
        """JSON by `schema`, filled from the last user message. Raises `InvalidRequest` where it cannot be."""
        text = request.messages[request.last_user].text if request.last_user >= 0 else ""
        definitions = schema.get("$defs")
        properties = schema.get("properties")
        if not is_object(properties):
            raise InvalidRequest("The embedded model fills only a json_schema of an object with properties.")
        required: set[str] = set(schema.get("required") or ())
        today = today_of(request)
        filled: dict[str, Any] = {}
        for name, declared in properties.items():
            own = resolved(declared, definitions if is_object(definitions) else {})
            parameter = Parameter(str(name), own, name in required)
            value = await self._value(parameter, text, today)
            if value is None and name in required:
                raise InvalidRequest(
                    f"The embedded model finds no value for '{name}' of the json_schema in the message."
                )
            if value is not None:
                filled[str(name)] = value
        return orjson.dumps(filled).decode()

    async def _value(self, parameter: Parameter, text: str, today: Any) -> Any:
        values = values_in(parameter, text, today)
        kind = parameter.schema.get("type", "string")
        items = parameter.schema.get("items")
        options = parameter.schema.get("enum") or (items.get("enum") if is_object(items) else None)
        if not values and options and parameter.required:
            values = [await self._nearest(text, options)]
        if kind == "array":
            return values
        if values:
            return values[0]
        if kind == "boolean" and parameter.required:
            return False
        if kind == "string" and parameter.required and not options and not parameter.schema.get("pattern"):
            return text.strip()
        return None

    async def _nearest(self, text: str, options: list[Any]) -> Any:
        vectors = await self._embedder.embed([text, *(str(option).replace("_", " ") for option in options)])
        return options[int((vectors[1:] @ vectors[0]).argmax())]


def _split(message: str) -> tuple[str, str]:
    """Question and context of a message that holds both."""
    if len(message) < CONTEXT_CHARACTERS_MIN:
        return message, ""
    said = sentences(message)
    questions = [sentence for sentence in said if sentence.endswith("?")]
    question = questions[-1] if questions else said[-1]
    return question, "\n".join(sentence for sentence in message.splitlines() if sentence.strip() != question)
