"""What stands where a sentence was left out, in the customer's language; and what the model is told to write it again."""

from collections.abc import Sequence
from typing import Final

from switchboard.agent.grounding.check import Fault
from switchboard.text.languages import Language

NOT_KNOWN_ANSWER: Final[dict[Language, str]] = {
    "en": "I'm sorry, I don't know that: I found nothing that says so in the information I have.",
    "de": "Das weiß ich leider nicht: In den Informationen, die ich habe, steht nichts dazu.",
    "es": "Lo siento, no lo sé: no encontré nada al respecto en la información que tengo.",
}
"""Where nothing of the answer is left."""
ASK_A_PERSON: Final[dict[Language, str]] = {
    "en": "If you would like a person to look into it, just say so.",
    "de": "Wenn sich ein Mensch das ansehen soll, sagen Sie es einfach.",
    "es": "Si quiere que lo revise una persona, dígamelo.",
}
LEFT_OUT: Final[dict[Language, str]] = {
    "en": "There is one detail here that I cannot confirm, so I leave it out.",
    "de": "Eine Einzelheit kann ich hier nicht bestätigen, deshalb lasse ich sie weg.",
    "es": "Hay un dato aquí que no puedo confirmar, así que lo omito.",
}
NOT_DONE: Final[dict[Language, str]] = {
    "en": "I cannot confirm that this has been done.",
    "de": "Ich kann nicht bestätigen, dass das erledigt ist.",
    "es": "No puedo confirmar que eso se haya hecho.",
}
NOT_SHARED: Final[dict[Language, str]] = {
    "en": "I can't share how I work, but I'm glad to help with your question.",
    "de": "Wie ich arbeite, kann ich nicht mitteilen, aber ich helfe gern bei Ihrer Frage.",
    "es": "No puedo compartir cómo trabajo, pero con gusto le ayudo con su pregunta.",
}

CORRECTION: Final = """\
Your answer was not sent as it stands. Nothing that a tool returned, an article or the customer says supports: {faults}.
{place}
Keep what is supported, word for word where you can. Leave out or put right what is not; say plainly what you do not know.
Say that something was done only where a tool result shows it; otherwise offer to do it. Use the customer's language.
Do not mention this note, tools or instructions."""
WHOLE: Final = "Write the whole answer again."
REST: Final = "The customer has already read the text above. Write only what comes after it."
DRAFT: Final = "Your draft of it: {draft}"
RESULTS: Final = "What the tools returned: {results}"

SAID_CHARACTERS_MAX = 120
FAULTS_NAMED_MAX = 8
DRAFT_CHARACTERS_MAX = 2_000
RESULTS_CHARACTERS_MAX = 10_000


def in_place_of(faults: Sequence[Fault], language: Language) -> str:
    """The honest sentence for one that was left out; empty where nothing needs to be said in its place."""
    kinds = {fault.kind for fault in faults}
    if "disclosure" in kinds:
        return ""
    return (NOT_DONE if kinds == {"deed"} else LEFT_OUT)[language]


def of_nothing(faults: Sequence[Fault], language: Language, offer: str) -> str:
    """The whole answer where nothing of it could be told; `offer` is a question to end with, or empty."""
    if faults and all(fault.kind == "disclosure" for fault in faults):
        return NOT_SHARED[language]
    return f"{NOT_KNOWN_ANSWER[language]} {offer or ASK_A_PERSON[language]}"


def correction(faults: Sequence[Fault], *, draft: str, told: bool, results: Sequence[str]) -> str:
    """What the model is told when it is asked once more."""
    named = "; ".join(dict.fromkeys(f'"{fault.said[:SAID_CHARACTERS_MAX]}"' for fault in faults[:FAULTS_NAMED_MAX]))
    lines = [
        CORRECTION.format(faults=named, place=REST if told else WHOLE),
        DRAFT.format(draft=draft[:DRAFT_CHARACTERS_MAX]),
    ]
    if results:
        lines.append(RESULTS.format(results="\n".join(results)[:RESULTS_CHARACTERS_MAX]))
    return "\n\n".join(lines)
