"""The embedded chat model: a turn of it, top to bottom. Deterministic: the same request gives the same reply."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import orjson

from switchboard.models.embedded.abilities import able, cannot
from switchboard.models.embedded.answering.composer import Composer, ToolResult, tool_result_of
from switchboard.models.embedded.answering.extraction import Extractor
from switchboard.models.embedded.answering.passage_fit import TokenEmbedder
from switchboard.models.embedded.answering.without_tools import PlainChat
from switchboard.models.embedded.completion import CompletionReply, CompletionRequest, ToolCall
from switchboard.models.embedded.dialogue import (
    BUT,
    Pending,
    Situation,
    asks_more,
    is_complete,
    pending_question,
    situation_of,
)
from switchboard.models.embedded.phrasing import content_stems
from switchboard.models.embedded.replies import Replies
from switchboard.models.embedded.slots.filling import SlotContext, fill
from switchboard.models.embedded.slots.values import has_match, values_in
from switchboard.models.embedded.tools.choice import (
    CALLS_MAX,
    CLAUSE_SURE,
    PICKS_MAX,
    POSSIBLE,
    SURE,
    ToolPick,
    ToolPicker,
    plain_words,
)
from switchboard.models.embedded.tools.profile import QUERY_NAMES, ToolProfile, ToolProfiles

MESSAGE_OVERHEAD_TOKENS = 4
COUNTS_MAX, COUNTED_CHARACTERS_MAX = 1_024, 4_000
"""Token counts kept, and of how long texts: at most 4 MB."""
WHAT_NEXT = "What would you like me to do?"
DECLINED = "All right, I won't do that. Is there anything else I can help with?"
THANKED = "You're welcome. Is there anything else I can help with?"
GOODBYE = "You're welcome. Have a good day!"


class LocalModel(TokenEmbedder, Protocol):
    """An embedder with the vocabulary it reads."""

    def count_tokens(self, text: str) -> int: ...

    def rarity(self, word: str) -> float: ...


@dataclass(frozen=True, slots=True)
class ReplyPlan:
    """What to do about a message: calls to make, questions for what is missing, or words at once."""

    calls: tuple[tuple[ToolProfile, dict[str, Any]], ...] = ()
    asks: tuple[str, ...] = ()
    text: str = ""
    picks: tuple[ToolPick, ...] = ()
    """What the calls and questions rest on."""


class EmbeddedChatModel:
    """Shared by all requests; holds nothing of any but cached embeddings and token counts."""

    def __init__(self, model: LocalModel) -> None:
        self._model = model
        self._profiles = ToolProfiles()
        self._picker = ToolPicker(model, model.rarity)
        extractor = Extractor(model, model.rarity)
        self._composer = Composer(model, extractor)
        self._plain = PlainChat(extractor, model)
        self._replies = Replies(model)
        self._counts: OrderedDict[str, int] = OrderedDict()

    async def open(self) -> None:
        """Learns what replies to an offer mean, so that the first customer need not wait for it."""
        await self._replies.open()

    async def complete(self, request: CompletionRequest) -> CompletionReply:
        """The reply to a conversation: tool calls, or text. Raises `InvalidRequest` for what it cannot do."""
        reply = await self._reply(request)
        said = reply.text or "".join(call.name + orjson.dumps(call.arguments).decode() for call in reply.calls)
        return replace(
            reply, prompt_tokens=self._prompt_tokens(request), completion_tokens=self._model.count_tokens(said)
        )

    async def _reply(self, request: CompletionRequest) -> CompletionReply:
        if request.schema is not None:
            return CompletionReply(await self._plain.structured(request, request.schema))
        if request.last_user < 0:
            return CompletionReply("Hello! How can I help you?")
        if not request.tools and not request.results:
            return CompletionReply(await self._plain.answer(request))
        tools = [self._profiles.of(spec) for spec in request.tools]
        situation = await self._with_reply(situation_of(request))
        if request.results:
            return CompletionReply(await self._answer(request, situation, tools))
        plan = await self._plan(request, situation, tools)
        if plan.calls:
            calls = plan.calls if request.parallel else plan.calls[:1]
            return CompletionReply(calls=tuple(_call(request, number, *call) for number, call in enumerate(calls)))
        return CompletionReply(plan.text or "\n\n".join(plan.asks[:1]) or cannot(tools))

    async def _with_reply(self, situation: Situation) -> Situation:
        """A yes or no to the open offer, where the rules of words see none: a learned decision."""
        if situation.offer is None or situation.act in ("yes", "no"):
            return situation
        reply = await self._replies.decide(situation.message)
        if reply == "other":
            return situation
        return replace(situation, act="yes" if reply == "accept" else "no", rest="")

    async def _answer(self, request: CompletionRequest, situation: Situation, tools: Sequence[ToolProfile]) -> str:
        results = _results(request)
        plan = await self._plan(request, situation, tools)
        made = {call.name for call in request.calls_made}
        asks = plan.asks if plan.calls and all(tool.spec.name in made for tool, _ in plan.calls) else ()
        familiar = [f"{tool.name.replace('_', ' ')} {tool.spec.description}" for tool in tools]
        return await self._composer.compose(_question(situation), results, asks, plan.picks, familiar)

    async def _plan(self, request: CompletionRequest, situation: Situation, tools: Sequence[ToolProfile]) -> ReplyPlan:
        if request.forced and request.forced != "required":
            tools = [tool for tool in tools if request.forced in (tool.spec.name, tool.name)]
            picks = [ToolPick(tool, situation.message, 1.0) for tool in tools]
            return self._filled(picks, situation, forced=True)
        if situation.act == "yes":
            return await self._accept(situation, tools)
        pending = pending_question(request, tools)
        if pending is not None and not await self._is_new_request(situation, pending, tools):
            said = " ".join([pending.request, *pending.replies])
            return self._filled(
                [ToolPick(pending.tool, said, 1.0)],
                replace(situation, message=said),
                reply=situation.message,
                asked=pending.parameter.name,
            )
        if situation.act == "no":
            if not asks_more(situation.rest):
                return ReplyPlan(text=DECLINED if situation.asked_before.endswith("?") else THANKED)
            situation = replace(situation, message=BUT.sub("", situation.rest), act="request")
        if situation.act in ("greeting", "thanks", "bye"):
            greeting = f"Hello! {able(tools)}"
            return ReplyPlan(text={"greeting": greeting, "thanks": THANKED}.get(situation.act, GOODBYE))
        return await self._request(situation, tools, forced=request.forced == "required")

    async def _request(self, situation: Situation, tools: Sequence[ToolProfile], *, forced: bool = False) -> ReplyPlan:
        message = situation.message
        picks = await self._picker.pick(message, tools, forced)
        if situation.leans_back and not (is_complete(message) and picks and picks[0].score >= SURE):
            return await self._follow_up(situation, tools, picks)
        return self._filled(picks, situation)

    async def _follow_up(self, situation: Situation, tools: Sequence[ToolProfile], fresh: list[ToolPick]) -> ReplyPlan:
        """'And the month before?': what the request before asked for, with this message's details."""
        before = situation.request_before
        together = f"{before.rstrip(' .?!')}. {situation.message}"
        repeated = [pick for pick in await self._picker.pick(before, tools) if pick.tool.risk == "read"]
        if (
            (fresh and is_complete(situation.message))
            or not repeated
            or (fresh and fresh[0].score >= CLAUSE_SURE and plain_words(situation.message))
        ):
            repeated = fresh
        continued = [
            ToolPick(pick.tool, together if pick.tool.is_search else situation.message, pick.score)
            for pick in repeated[:CALLS_MAX]
        ]
        return self._filled(continued, situation, continues=True)

    async def _accept(self, situation: Situation, tools: Sequence[ToolProfile]) -> ReplyPlan:
        """A yes: to the open offer, or to what the assistant's last question proposed."""
        offer = situation.offer
        rest = situation.rest
        also: list[ToolPick] = []
        if len(content_stems(rest)) >= 2:
            ranked = (await self._picker.rank(rest, [tool for tool in tools if not tool.is_search])).best
            if ranked is not None and ranked.score >= SURE and (offer is None or ranked.tool.name != offer.tool):
                also = [ranked] if ranked.tool.risk == "read" else []
        if offer is not None:
            tool = next((tool for tool in tools if offer.tool in (tool.spec.name, tool.name)), None)
            if tool is not None:
                accepted = self._filled(
                    [ToolPick(tool, rest or situation.message, 1.0)], situation, given=offer.arguments
                )
                beside = self._filled(also, situation)
                return ReplyPlan(accepted.calls + beside.calls, accepted.asks + beside.asks)
        if situation.was_offered:
            proposal = situation.asked_before.rsplit("\n", 1)[-1]
            best = (await self._picker.rank(proposal, [tool for tool in tools if not tool.is_search])).best
            if best is not None and best.score >= POSSIBLE:
                return self._filled([ToolPick(best.tool, rest, best.score)], situation, continues=True)
        if len(content_stems(rest)) >= 2:
            return await self._request(replace(situation, message=rest), tools)
        return ReplyPlan(text=WHAT_NEXT if situation.earlier else f"{WHAT_NEXT} {able(tools)}")

    async def _is_new_request(self, situation: Situation, pending: Pending, tools: Sequence[ToolProfile]) -> bool:
        """A reply to our question that is no reply: it clearly asks another tool, or says yes or no."""
        if situation.act != "request":
            return True
        if values_in(pending.parameter, situation.message, situation.today):
            return False
        if situation.message.endswith("?"):
            return True
        if len(content_stems(situation.message)) < 2:
            return False
        best = next(iter(await self._picker.pick(situation.message, tools)), None)
        return best is not None and best.tool.name != pending.tool.name and best.score >= SURE

    def _filled(
        self,
        picks: Sequence[ToolPick],
        situation: Situation,
        *,
        reply: str = "",
        asked: str = "",
        continues: bool = False,
        given: dict[str, Any] | None = None,
        forced: bool = False,
    ) -> ReplyPlan:
        calls: list[tuple[ToolProfile, dict[str, Any]]] = []
        asks: list[str] = []
        for pick in picks:
            said = SlotContext(
                clause=pick.clause,
                message=situation.message,
                today=situation.today,
                earlier_user=situation.earlier_user,
                earlier=[text for text in situation.earlier if not _is_our_question(text, pick.tool)],
                reply=reply,
                asked=asked,
                continues=continues,
                about=situation.about,
                elsewhere=situation.elsewhere,
            )
            known = given or _offered(situation, pick)
            filled = fill(pick.tool, said, known)
            if filled.missing and not (forced and filled.arguments):
                asks.append(filled.missing[0].question)
            else:
                calls += [(pick.tool, filled.arguments), *((pick.tool, other) for other in filled.others)]
        return ReplyPlan(tuple(calls[:PICKS_MAX]), tuple(asks), picks=tuple(picks))

    def _prompt_tokens(self, request: CompletionRequest) -> int:
        """Counted message by message: instructions, tools and history come again with every turn, counted already."""
        in_messages = sum(self._counted(message.text) for message in request.messages)
        declared = sum(self._counted(f"{tool.name} {tool.description}") for tool in request.tools)
        return in_messages + declared + MESSAGE_OVERHEAD_TOKENS * len(request.messages)

    def _counted(self, text: str) -> int:
        known = self._counts.get(text)
        if known is not None:
            self._counts.move_to_end(text)
            return known
        count = self._model.count_tokens(text)
        if len(text) <= COUNTED_CHARACTERS_MAX:
            self._counts[text] = count
            while len(self._counts) > COUNTS_MAX:
                self._counts.popitem(last=False)
        return count


def _call(request: CompletionRequest, number: int, tool: ToolProfile, arguments: dict[str, Any]) -> ToolCall:
    spoken = len(request.messages)
    seed = f"{spoken}|{number}|{tool.spec.name}|".encode() + orjson.dumps(arguments, option=orjson.OPT_SORT_KEYS)
    seed += request.messages[request.last_user].text.encode()
    return ToolCall(tool.spec.name, arguments, f"call_{hashlib.sha256(seed).hexdigest()[:24]}")


def _results(request: CompletionRequest) -> list[ToolResult]:
    calls = {call.id: call for call in request.calls_made}
    results: list[ToolResult] = []
    for result in request.results:
        call = calls.get(result.call_id)
        query = next((str(value) for key, value in (call.arguments if call else {}).items() if key in QUERY_NAMES), "")
        results.append(tool_result_of(call.name if call else "", query, result.text))
    return results


def _is_our_question(text: str, tool: ToolProfile) -> bool:
    """Our questions hold examples ('looks like TCK-100001'), which nobody meant."""
    return any(parameter.question in text for parameter in tool.parameters)


def _offered(situation: Situation, pick: ToolPick) -> dict[str, Any] | None:
    """The arguments of the open offer, where the user asks for just that deed and names no other thing."""
    offer = situation.offer
    if offer is None or offer.tool not in (pick.tool.name, pick.tool.spec.name):
        return None
    if any(has_match(parameter, situation.message) for parameter in pick.tool.parameters):
        return None
    return offer.arguments


def _question(situation: Situation) -> str:
    if situation.leans_back:
        return f"{situation.request_before} {situation.message}"
    return situation.message
