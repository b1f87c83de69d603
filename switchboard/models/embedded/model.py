"""The embedded chat model: a turn of it, top to bottom. Deterministic: the same request gives the same reply."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import orjson

from switchboard.models.embedded.abilities import able, cannot
from switchboard.models.embedded.answering.composer import (
    CLOSEST,
    DONT_KNOW,
    NOT_CERTAIN,
    NOTHING_FOUND,
    Composer,
    ToolResult,
    tool_result_of,
)
from switchboard.models.embedded.answering.extraction import Extractor
from switchboard.models.embedded.answering.passage_fit import TokenEmbedder
from switchboard.models.embedded.answering.search_variants import SearchVariants
from switchboard.models.embedded.answering.without_tools import PlainChat
from switchboard.models.embedded.completion import CompletionReply, CompletionRequest, ToolCall
from switchboard.models.embedded.dialogue import (
    BUT,
    Pending,
    Situation,
    asking_part,
    asks_more,
    corrects,
    first_sentence,
    is_backchannel,
    is_complete,
    pending_question,
    situation_of,
)
from switchboard.models.embedded.phrasing import content_stems
from switchboard.models.embedded.references import known_names, repeats, resolved, told_before
from switchboard.models.embedded.replies import Replies, Reply, is_conditional
from switchboard.models.embedded.slots.filling import SlotContext, fill
from switchboard.models.embedded.slots.values import has_match, has_pattern, values_in
from switchboard.models.embedded.tools.choice import (
    CALLS_MAX,
    CLAUSE_SURE,
    POSSIBLE,
    SURE,
    ToolPick,
    ToolPicker,
    plain_words,
)
from switchboard.models.embedded.tools.deeds import Deed, Deeds
from switchboard.models.embedded.tools.profile import QUERY_NAMES, ToolProfile, ToolProfiles
from switchboard.text.glossary import is_foreign
from switchboard.text.words import words

MESSAGE_OVERHEAD_TOKENS = 4
COUNTS_MAX, COUNTED_CHARACTERS_MAX = 1_024, 4_000
"""Token counts kept, and of how long texts: at most 4 MB."""
TOLD_AGAIN_FIT, UNDERSTOOD_FIT = 0.40, 0.50
CALLS_A_TURN_MAX = 6
CONTEXT_STEMS_MIN, CONTEXT_CHARACTERS_MAX = 2, 400
"""What was said before, as a search is given it: the last of it, where it says anything."""
DETAIL_WORDS_MAX = 6
"""A reply to the question for an id that holds none, and more words than these, is another matter."""
LANGUAGES = "I understand English best, and only some German and Spanish. (Ich verstehe Englisch am besten. Entiendo mejor el inglés.)"
WHAT_NEXT = "What would you like me to do?"
DECLINED = "All right, I won't do that. Is there anything else I can help with?"
THANKED = "You're welcome. Is there anything else I can help with?"
GOODBYE = "You're welcome. Have a good day!"


BEGINS: dict[str, Reply] = {"yes": "accept", "no": "decline"}


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
        self._deeds = Deeds(model)
        self._searches = SearchVariants(model)
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
        names = known_names(tools)
        pointed = resolved(situation.message, told_before(situation.earlier, tools), names)
        situation = replace(situation, message=repeats(pointed, next(iter(situation.earlier_user), ""), names))
        if request.results:
            found = await self._found_deed(request, situation, tools)
            if found is not None:
                return CompletionReply(calls=(_call(request, len(request.calls_made), *found),))
            return CompletionReply(await self._answer(request, situation, tools))
        plan = await self._plan(request, situation, tools)
        if plan.calls:
            calls = plan.calls if request.parallel else plan.calls[:1]
            return CompletionReply(calls=tuple(_call(request, number, *call) for number, call in enumerate(calls)))
        return CompletionReply(plan.text or "\n\n".join(plan.asks[:1]) or cannot(tools))

    async def _with_reply(self, situation: Situation) -> Situation:
        """A yes or no to an offer, as it is learned: a plain yes is none where a condition follows."""
        begins = BEGINS.get(situation.act, "other")
        if situation.offer is not None:
            reply = await self._replies.decide(situation.message, begins)
            first, rest = first_sentence(situation.message)
            if reply == "other" and begins == "accept" and rest and not is_conditional(situation.message):
                # 'Yes, do that. And when is it due?': only the first words reply.
                reply, situation = await self._replies.decide(first, begins), replace(situation, rest=rest)
            if reply == "accept":
                return replace(situation, act="yes", rest=situation.rest if begins == "accept" else "")
            if reply == "decline" and begins != "decline":
                return replace(situation, act="no", rest=asking_part(situation.message))
            if begins == "accept" and situation.rest:
                return replace(situation, act="request", offer=None)
        elif situation.earlier_offer is not None and not is_backchannel(situation.message):
            reply = await self._replies.decide(situation.message, begins, later=True)
            if reply == "accept":
                return replace(situation, act="yes", rest="", offer=situation.earlier_offer, earlier_offer=None)
        return situation

    async def _answer(self, request: CompletionRequest, situation: Situation, tools: Sequence[ToolProfile]) -> str:
        results = await self._searches.nearer(_results(request), situation.asked_before)
        plan = await self._plan(request, situation, tools)
        made = {call.name for call in request.calls_made}
        asks = plan.asks if plan.calls and all(tool.spec.name in made for tool, _ in plan.calls) else ()
        familiar = [f"{tool.name.replace('_', ' ')} {tool.spec.description}" for tool in tools]
        picks = _refitted(plan.picks, results, situation)
        text = await self._composer.compose(_question(situation), results, asks, picks, familiar)
        unsure = text.startswith((CLOSEST, NOT_CERTAIN, DONT_KNOW, NOTHING_FOUND))
        return f"{text}\n\n{LANGUAGES}" if unsure and is_foreign(request.messages[request.last_user].text) else text

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
        deed = await self._deeds.asked(message, tools, situation.offered_tool, situation.earlier_user)
        picks = await self._picker.pick(message, tools, forced)
        if deed is not None and all(pick.tool is not deed.tool for pick in picks):
            return self._with_finder(self._filled([ToolPick(deed.tool, message, SURE)], situation), deed, tools)
        understood = any(not pick.tool.is_search and pick.fit >= UNDERSTOOD_FIT for pick in picks)
        if corrects(message) and situation.earlier_user and not understood:
            return await self._follow_up(situation, tools, [])
        if situation.leans_back and not (is_complete(message) and picks and picks[0].score >= SURE):
            return await self._follow_up(situation, tools, picks)
        plan = self._filled(_in_context(picks, situation), situation)
        return plan if deed is None else self._with_finder(plan, deed, tools)

    def _with_finder(self, plan: ReplyPlan, deed: Deed, tools: Sequence[ToolProfile]) -> ReplyPlan:
        """Before a question which one is meant, the tool that finds it, where the talk is of that."""
        finders = [tool for tool in tools if tool.name in deed.tool.found_by.values()]
        if not deed.found or any(tool is deed.tool for tool, _ in plan.calls):
            return plan
        return replace(plan, calls=(*plan.calls, *((tool, {}) for tool in finders)))

    async def _found_deed(
        self, request: CompletionRequest, situation: Situation, tools: Sequence[ToolProfile]
    ) -> tuple[ToolProfile, dict[str, Any]] | None:
        """The deed that was asked for, once the tool that finds what it is done to has proposed just that."""
        made = {call.name for call in request.calls_made}
        offers = {each.offer.tool: each.offer for each in _results(request) if each.offer is not None}
        for tool in tools:
            finders = {each.spec.name for each in tools if each.name in tool.found_by.values()}
            offer = offers.get(tool.name)
            if offer is None or tool.spec.name in made or not finders & made:
                continue
            deed = await self._deeds.asked(situation.message, tools, situation.offered_tool, situation.earlier_user)
            if deed is not None and deed.tool is tool and deed.found:
                return tool, offer.arguments
        return None

    async def _follow_up(self, situation: Situation, tools: Sequence[ToolProfile], fresh: list[ToolPick]) -> ReplyPlan:
        """'And the month before?': what the request before asked for, with this message's details."""
        before = situation.request_before
        repeated = [pick for pick in await self._picker.pick(before, tools) if pick.tool.risk == "read"]
        if (
            (fresh and is_complete(situation.message))
            or not repeated
            or (fresh and fresh[0].score >= CLAUSE_SURE and plain_words(situation.message))
        ):
            repeated = fresh
        continued = [
            pick if pick.tool.is_search else ToolPick(pick.tool, situation.message, pick.score, pick.fit)
            for pick in repeated[:CALLS_MAX]
        ]
        return self._filled(_in_context(continued, situation), situation, continues=True)

    async def _accept(self, situation: Situation, tools: Sequence[ToolProfile]) -> ReplyPlan:
        """A yes: to the open offer, or to what the assistant's last question proposed."""
        offer = situation.offer
        rest = situation.rest
        also: list[ToolPick] = []
        if rest.endswith("?"):
            also = [pick for pick in await self._picker.pick(rest, tools) if pick.tool.risk == "read"][:CALLS_MAX]
        elif len(content_stems(rest)) >= 2:
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
        if has_pattern(pending.parameter) and len(words(situation.message)) > DETAIL_WORDS_MAX:
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
        return ReplyPlan(tuple(calls[:CALLS_A_TURN_MAX]), tuple(asks), picks=tuple(picks))

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


def _in_context(picks: Sequence[ToolPick], situation: Situation) -> list[ToolPick]:
    """Each search also with what was asked before: which of the two was meant, what is found tells."""
    before = next((text for text in situation.earlier_user if len(content_stems(text)) >= CONTEXT_STEMS_MIN), "")
    if not before:
        return list(picks)
    context = before[-CONTEXT_CHARACTERS_MAX:].rstrip(" .?!")
    kept: list[ToolPick] = []
    for pick in picks:
        kept.append(replace(pick, clause=situation.message) if pick.tool.is_search and pick.clause == before else pick)
        if pick.tool.is_search:
            kept.append(replace(pick, clause=f"{context}. {kept[-1].clause}"))
    return list({(pick.tool.name, pick.clause): pick for pick in kept}.values())


def _refitted(picks: Sequence[ToolPick], results: Sequence[ToolResult], situation: Situation) -> list[ToolPick]:
    """A tool whose facts stand in the last answer is no sure choice: who asks on was not answered by them."""
    told = {each.tool for each in results if each.facts and all(fact in situation.asked_before for fact in each.facts)}
    return [replace(pick, fit=min(pick.fit, TOLD_AGAIN_FIT)) if pick.tool.spec.name in told else pick for pick in picks]


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
    offer = situation.offer or situation.earlier_offer
    if offer is None or offer.tool not in (pick.tool.name, pick.tool.spec.name):
        return None
    if any(has_match(parameter, situation.message) for parameter in pick.tool.parameters):
        return None
    return offer.arguments


def _question(situation: Situation) -> str:
    if situation.leans_back:
        return f"{situation.request_before} {situation.message}"
    return situation.message
