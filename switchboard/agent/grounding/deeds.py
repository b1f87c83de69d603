"""Claims that something was done or is granted: "I have opened a ticket", "your refund is on its way", "as a gesture we waive it".

A claim in the first person, or of what is done now, needs a tool that changed something, or an earlier answer that said so.
A claim in the passive voice about the past may rest on what any tool told as well ("it was opened on 19 November").
English, German and Spanish.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from switchboard.text.sentences import sentences

CLAUSE_CHARACTERS_MAX = 120

_FORMS: Final[dict[str, tuple[str, str]]] = {
    # deed: what people say it with as participles and past tenses, and what names it in a tool or its facts
    "open": (
        "opened reopened lodged raised created logged filed reported submitted registered geöffnet eröffnet angelegt erstellt gemeldet abierto creado registrado"
        " abrí creé registré",
        "open reopen lodge raise create log file report submit register ticket",
    ),
    "refund": (
        "refunded reimbursed repaid erstattet zurückerstattet zurückgezahlt reembolsado devuelto reembolsé",
        "refund reimburse repay",
    ),
    "credit": ("credited gutgeschrieben abonado abonó", "credit"),
    "cancel": (
        "cancelled canceled terminated withdrawn stopped ended gekündigt storniert abbestellt cancelado anulado cancelé",
        "cancel terminate stop end",
    ),
    "change": (
        "lowered reduced transferred capped increased doubled corrected changed updated switched upgraded downgraded moved adjusted amended modified extended renewed geändert aktualisiert gewechselt umgestellt"
        " verlängert cambiado actualizado modificado cambié actualicé",
        "change update switch upgrade downgrade move adjust set extend renew plan",
    ),
    "block": (
        "blocked locked suspended disabled deactivated gesperrt blockiert bloqueado bloqueé bloqueada",
        "block lock suspend disable deactivate",
    ),
    "unblock": ("unblocked unlocked entsperrt freigeschaltet desbloqueado", "unblock unlock"),
    "send": (
        "sent shipped dispatched emailed e-mailed mailed posted texted delivered geschickt gesendet verschickt versandt enviado enviada mandado envié",
        "send ship dispatch email post text deliver refund",
    ),
    "order": (
        "ordered booked scheduled arranged reserved bestellt gebucht vereinbart reserviert pedido reservado programado concertado pedí reservé",
        "order book schedule arrange reserve appointment",
    ),
    "activate": ("activated enabled aktiviert eingeschaltet hinterlegt activado activé activada", "activate enable"),
    "add": ("added applied hinzugefügt angewendet añadido aplicado añadí", "add apply discount include"),
    "remove": (
        "removed deleted waived erased entfernt gelöscht erlassen eliminado borrado quitado eliminé",
        "remove delete waive erase",
    ),
    "reset": (
        "reset restarted rebooted zurückgesetzt neugestartet reiniciado restablecido reinicié",
        "reset restart reboot",
    ),
    "forward": (
        "forwarded escalated flagged notified informed alerted weitergeleitet weitergegeben benachrichtigt informiert reenviado avisado informado escalado",
        "forward escalate notify inform alert handover hand person ticket",
    ),
    "request": (
        "requested initiated processed beantragt angefordert veranlasst solicitado tramitado iniciado solicité tramité",
        "request initiate process refund",
    ),
    "pay": ("paid transferred bezahlt überwiesen pagado transferido", "pay transfer charge payment"),
    "replace": ("replaced exchanged swapped ersetzt ausgetauscht sustituido reemplazado", "replace exchange swap"),
    "fix": ("fixed repaired resolved solved repariert behoben gelöst reparado resuelto", "fix repair resolve solve"),
    "complete": (
        "completed sorted handled finalised finalized confirmed erledigt abgeschlossen bestätigt completado confirmado",
        "",
    ),
}
_FORM_OF: Final[dict[str, str]] = {form: deed for deed, (forms, _) in _FORMS.items() for form in forms.split()}
_NAMES_OF: Final[dict[str, frozenset[str]]] = {
    deed: frozenset(names.split()) | frozenset(forms.split()) for deed, (forms, names) in _FORMS.items()
}
_COMPLETE: Final = frozenset({"complete"})
_FORM = r"[^\W\d_][\w-]{2,24}"
"""Any word: whether it tells of a deed is looked up, since a pattern of all forms costs a hundred times as much."""
_ADVERBS = r"(?: (?:now|just|already|also|successfully|then|immediately|automatically|personally|gone ahead and|gone and|went ahead and|been able to|had|both|all|since|therefore|duly|hereby|today))*+"
_PROGRESSIVE = (
    "opening raising creating logging refunding crediting cancelling canceling blocking sending shipping ordering booking"
    " scheduling switching changing upgrading applying arranging replacing activating removing waiving resetting forwarding escalating requesting processing issuing"
)
_PROGRESSIVE_OF: Final[dict[str, str]] = dict(
    zip(
        _PROGRESSIVE.split(),
        [
            "open",
            "open",
            "open",
            "open",
            "refund",
            "credit",
            "cancel",
            "cancel",
            "block",
            "send",
            "send",
            "order",
            "order",
            "order",
            "change",
            "change",
            "change",
            "add",
            "order",
            "replace",
            "activate",
            "remove",
            "remove",
            "reset",
            "forward",
            "forward",
            "request",
            "request",
            "refund",
        ],
        strict=True,
    )
)
_DOING = "cancel|refund|block|open|book|switch|change|activate|remove|waive|send|order|reset|credit|move|add"
_DOING_ES = (
    "abrir|cancelar|reembolsar|bloquear|activar|cambiar|enviar|solicitar|pedir|reservar|tramitar|eliminar|añadir"
)
_FIRST = (
    re.compile(
        rf"\bI(?:'ve| have|'d| had)?{_ADVERBS} (?P<form>{_FORM})\b(?! (?:it|them|that|these|those|everything|all)? ?(?:up|together)\b)",
        re.IGNORECASE,
    ),
    re.compile(r"\b(?:I've|we've|I have|we have)\b(?P<joined>[^.!?]{0,80})", re.IGNORECASE),
    re.compile(
        rf"\b(?:I|we)(?: was| were|'ve been| have been)?{_ADVERBS} (?:able to|managed to) (?P<able>{_DOING})\b"
        rf"|\b(?:acabo|acabamos) de (?P<recent>{_DOING_ES})|\bdoy por (?P<form>{_FORM})\b",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:I'm|I am){_ADVERBS} (?P<progressive>{'|'.join(_PROGRESSIVE.split())})\b", re.IGNORECASE),
    re.compile(
        rf"\b(?:I|we)(?:'ve| have){_ADVERBS} (?P<on>put|passed|handed|taken|knocked|switched|given|had|got|let|made|taken care|placed|issued|signed|set|turned|left|asked|instructed|told|noted|recorded|sorted|fixed|resolved|repaired|handled|done)\b(?:[^.!?]|\.(?=\d)){{0,60}}\b(?:on to|on|over|know|through|down for|order|request|refund|note|appointment|up|off|credit|voucher|discount|booked|ordered|blocked|cancelled|colleague\w?|team|account|file|of (?:it|that|this)|it|that|this|so)\b",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:habe|haben wir|wir haben)\b(?P<clause>[^.!?,;]{{0,{CLAUSE_CHARACTERS_MAX}}})", re.IGNORECASE),
    re.compile(rf"\b(?:he|hemos)(?: ya)? (?P<form>{_FORM})\b", re.IGNORECASE),
    re.compile(
        r"\b(?P<form>abrí|creé|registré|reembolsé|cancelé|cambié|actualicé|bloqueé|envié|pedí|reservé|activé|añadí|eliminé|reinicié|solicité|tramité)(?!\w)",
        re.IGNORECASE,
    ),
)
"""The speaker has done it or is at it."""
_NOW = (
    re.compile(rf"\bwe(?:'ve| have|'d| had){_ADVERBS} (?P<form>{_FORM})\b", re.IGNORECASE),
    re.compile(
        rf"\b(?:we're|we are){_ADVERBS} (?P<progressive>{'|'.join(_PROGRESSIVE.split())})\b(?=[^.!?]{{0,40}}\b(?:now|right away|already|just)\b)",
        re.IGNORECASE,
    ),
    re.compile(rf"\bwe{_ADVERBS} (?P<form>(?!reset){_FORM})\b", re.IGNORECASE),
    re.compile(rf"\b(?:it|that|this|everything)(?:'s| is)(?: now| all| already) (?P<form>{_FORM})\b", re.IGNORECASE),
    re.compile(
        r"\byou(?:'re| are)(?: now| all| already)* (?P<set>all set|booked in|signed up|switched over|set up)\b",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?:\b(?:has|have)(?:n't)?|\b(?:you|they|it|that|everything)'(?:ve|s)){_ADVERBS} been{_ADVERBS} (?P<form>{_FORM})\b",
        re.IGNORECASE,
    ),
    re.compile(rf"\bconsider (?:it|that|this|them|your [\w-]{{1,20}}) (?P<form>{_FORM})\b", re.IGNORECASE),
    re.compile(
        r"\b(?:is|are|'s)(?: now| already)? (?P<set>on the case|taken care of|gone from your (?:bill|invoice|account)|off your (?:bill|invoice|account))\b"
        r"|\b(?:is|are|'s) (?:now|already) (?P<on>set|live|active|in place|on (?:the|our) [\w-]{1,12} ?list|on file)\b"
        r"|\b(?:has|have|'s) (?:now |just |already )?(?P<way>gone through|gone out|gone off)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:ticket|case|request|claim)\b[^.!?,;]{0,30}? (?:is|'s) (?P<form>open)(?: now)?\b(?! (?:since|until))",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:is|are)(?: now| already| all)(?: been)? (?P<form>{_FORM})\b", re.IGNORECASE),
    re.compile(
        rf"\b(?:is|are|was|were)(?: (?:now|being|already|just))*+ (?P<form>{_FORM}) (?:for you (?:on|at|tomorrow|today)|now|just now)\b",
        re.IGNORECASE,
    ),
    re.compile(rf"\b(?:is|are)(?: now| already)? being{_ADVERBS} (?P<form>{_FORM})\b", re.IGNORECASE),
    re.compile(
        r"\b(?:is|are|'s|'re)(?: now| already)? (?P<way>on (?:its|their|the|her|his) way|under way|underway|in the post)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:ist|sind)(?: jetzt| nun| bereits| schon)? (?P<way>unterwegs|auf dem Weg)\b|\best[áa]n? (?P<camino>en camino)\b",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\b(?:wurden?|ist|sind)\b(?: [\w-]{{1,20}}){{0,3}}? (?:jetzt|nun|soeben|gerade|bereits|schon) (?P<form>{_FORM})\b",
        re.IGNORECASE,
    ),
    re.compile(rf"\byour [\w -]{{1,30}} (?:is|are) (?P<form>{_FORM})\b(?! (?:by|until)\b)", re.IGNORECASE),
    re.compile(
        rf"\b(?:ist|sind)\b(?: [^\s.,;!?]{{1,20}}){{0,5}}? (?P<form>{_FORM})(?=\s?(?:[.,;!(]|und\b|$))", re.IGNORECASE
    ),
    re.compile(r"\bIhr\w{0,2} [\w -]{1,30} wurden?\b(?P<clause>[^.!?,;]{0,80})", re.IGNORECASE),
    re.compile(
        rf"\b(?:ha|han)(?: ya)? (?:sido|quedado) (?P<form>{_FORM})\b|\bqueda[n]? (?:ya )?(?P<queda>{_FORM})\b",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\bse (?:(?:le|te|les|os) )?(?:ha|han) (?P<form>{_FORM})\b|\b(?:ya|[st]u [\w -]{{1,30}}) est[áa]n? (?:ya )?(?P<queda>{_FORM})\b",
        re.IGNORECASE,
    ),
)
"""Something is done now, by somebody."""
_PAST = re.compile(
    rf"\b(?:was|were|it's|that's|it is|that is){_ADVERBS} (?P<form>{_FORM})\b|\bwurden?\b(?P<clause>[^.!?,;]{{0,80}})",
    re.IGNORECASE,
)
_DONE = re.compile(
    r"^\W*(?:done|all done|all set|it's done|that's done|consider it done|all sorted|sorted|erledigt|hecho|listo|ya está hecho)\b\s*(?:[!.,:;–-]|$)",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:if|once|as soon as|every time|each time|while|how|when|whenever|after|before|until|unless|whether|should|could|would|can|may|might|will|to be|as long as|wenn|falls|sobald|nachdem|bevor|ob|bis|cuando|si|una vez|hasta|antes)\b[^,;.]{0,100}$",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:no|not|none|never|nothing|cannot|without|nobody|kein\w{0,2}|nicht|nie|nichts|ningún|ninguna|nunca|nada)\b|n't\b",
    re.IGNORECASE,
)
_NEGATION_NEAR = re.compile(
    r"(?:\b(?:no|not|none|never|nothing|neither|nobody|kein\w{0,2}|nicht|nichts|nunca|nada|ningun[ao]|ningún)\b|n't\b)[^,;:.]{0,50}$",
    re.IGNORECASE,
)
_ANY_WORD = re.compile(r"[^\W\d_][\w-]*")
_AND_WORD = re.compile(r" and ([^\W\d_][\w-]*)")
_CLAUSE_END = re.compile(r"[.:;,!?](?=\s|$)|\n|\s\|")
_SPANISH_ENDING = re.compile(r"(?:as|os|a)$")
_AS_A_RULE = re.compile(
    r"^[^.!?,;]{0,25}\b(?:by itself|by themselves|automatically|next invoice|next bill|every|each)\b", re.IGNORECASE
)
"""Behind "it's added": what happens at all times, and not now."""
_WAY: Final = frozenset({"send", "refund", "forward", "replace"})

_CONCESSIONS: Final = (
    r"gesture|goodwill|kulanz\w{0,3}|gesto comercial",
    r"waiv\w{1,3}|erlassen|condonar|condonamos",
    r"voucher|gutschein\w{0,2}|vale de|cupón",
    r"compensat\w{1,4}|entschädig\w{1,4}|compensa\w{0,5}",
    r"guarantee\w{0,2}|garantier\w{1,3}|garantizamos",
    r"gift|bonus|freebie|on the house|on us|geschenk\w{0,2}|regalo",
    r"free (?:month|week|year)|gratismonat\w{0,2}|mes gratis",
    r"free (?:upgrade|add-on|phone)|free of charge|(?:for|completely|absolutely|entirely) free|gratis|kostenlos\w{0,2}|umsonst|(?<!feel )(?<!-)free(?! (?:to|up)\b)|no charge|gratuit[oa]",
    r"half price|half off|discount\w{0,3}|rabatt\w{0,2}|descuento",
)
_CONCESSION = tuple(re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for words in _CONCESSIONS)
_FREE = re.compile(
    r"\bfree|gratis|kostenlos|no charge|for nothing|£0\b|\binclude|without (?:charge|extra|cost)|nothing|at no|costs? nothing|complimentary|waive",
    re.IGNORECASE,
)
_GIVER = re.compile(
    r"\b(?:we|I|you(?:'ll| will)? (?:get|receive|have)|get|gets|add|wir|du bekommst|Sie bekommen|ich|te regalamos|recibes|everybody|everyone|your)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class DeedEvidence:
    """What claims of deeds may rest on. `done`: what changed something now, or an earlier answer told as done; `told`:
    what any tool told; `rules`: passages and what the user said."""

    done: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    rules: str = ""


def undone_deeds(sentence: str, evidence: DeedEvidence) -> list[str]:
    """The claims of a sentence that nothing shows to be done, in its words."""
    if sentence.rstrip(" *_\"')").endswith("?"):
        return []
    return [claim.said for claim in _claims(sentence) if not _is_done(claim, evidence)]


def told_deeds(text: str) -> list[str]:
    """The sentences of an earlier answer that tell of something done: it was checked when it was said."""
    return [
        each
        for each in sentences(text)
        if not each.endswith("?") and any(claim.rests_on < 2 for claim in _claims(each))
    ]


def ungranted(sentence: str, rules: str) -> list[str]:
    """What a sentence grants (a discount, a voucher, a waiver) and no text of the evidence speaks of."""
    if sentence.rstrip(" *_\"')").endswith("?") or not _GIVER.search(sentence):
        return []
    found: list[str] = []
    for pattern in _CONCESSION:
        match = pattern.search(sentence)
        if match is None or _NEGATION_NEAR.search(sentence[: match.start()]) or pattern.search(rules):
            continue
        if "free of charge" in pattern.pattern and _FREE.search(rules):
            continue
        found.append(match[0])
    return found


@dataclass(frozen=True, slots=True)
class _Claim:
    said: str
    deeds: frozenset[str]
    """Any of them would make it true; none where any deed would."""
    rests_on: int
    """0: what was done; 1: also what a tool told; 2: also rules and what the user said."""


def _claims(sentence: str) -> Iterator[_Claim]:
    text = " ".join(sentence.split())
    if _DONE.search(text):
        yield _Claim(text[:CLAUSE_CHARACTERS_MAX], frozenset(), 0)
    for pattern, rests_on in (*((each, 0) for each in _FIRST), *((each, 1) for each in _NOW), (_PAST, 2)):
        for match in pattern.finditer(text):
            before = text[: match.start()]
            if _CONDITION.search(before) or _NEGATION_NEAR.search(before) or _NEGATED.search(match[0]):
                continue
            if rests_on == 2 and "'s" in match[0] and _AS_A_RULE.search(text[match.end() :]):
                continue
            deeds = _deeds_of(match)
            if deeds is not None:
                yield _Claim(match[0], deeds, rests_on)


def _deeds_of(match: re.Match[str]) -> frozenset[str] | None:
    """What the match claims; empty where any deed would do, None where its words tell of none."""
    groups = {name: value.lower() for name, value in match.groupdict().items() if value}
    if form := groups.get("form") or groups.get("queda"):
        deed = "open" if form == "open" else _FORM_OF.get(form) or _FORM_OF.get(_SPANISH_ENDING.sub("o", form))
        return frozenset({deed}) if deed else None
    if (clause := groups.get("clause") or groups.get("joined")) is not None:
        candidates = _AND_WORD.findall(clause) if "joined" in groups else _ANY_WORD.findall(clause)
        return next((frozenset({_FORM_OF[word]}) for word in candidates if word in _FORM_OF), None)
    if progressive := groups.get("progressive"):
        return frozenset({_PROGRESSIVE_OF[progressive]})
    return _WAY if "way" in groups or "camino" in groups else frozenset()


def _is_done(claim: _Claim, evidence: DeedEvidence) -> bool:
    if not claim.deeds or claim.deeds == _COMPLETE:
        return bool(evidence.done)
    if _names_any(claim.deeds, evidence.done):
        return True
    if claim.rests_on >= 1 and _names_any(claim.deeds, evidence.told):
        return True
    return claim.rests_on == 2 and _names_any(claim.deeds, evidence.rules.split("\n"))


def _names_any(deeds: frozenset[str], texts: Iterable[str]) -> bool:
    """Whether a sentence that denies nothing speaks of one of the deeds."""
    for text in texts:
        for sentence in _CLAUSE_END.split(text):
            if _NEGATED.search(sentence):
                continue
            said = set(re.findall(r"[^\W\d_]+", sentence.lower()))
            if any(
                said & _NAMES_OF[deed]
                or any(word.startswith(name) for word in said for name in _NAMES_OF[deed] if len(name) > 3)
                for deed in deeds
            ):
                return True
    return False
