"""Stop words of English: words that say how a sentence is built, and not what it is about.

A room that needs more names what it adds, as `STOP_WORDS | {...}` with the reason; it keeps no list of its own.
"""

from typing import Final

_ARTICLES_AND_PRONOUNS = """
a an the this that these those there here it its i me my mine myself we us our ours ourselves you your yours yourself
he him his himself she her hers herself they them their theirs themselves one ones someone somebody something anyone
anybody anything everyone everybody everything nothing thing things
"""
_AUXILIARY_VERBS = """
is are was were be been being am do does did done doing have has had having can could will would shall should may might
must get got getting
"""
_PREPOSITIONS = "of in on at to for from by with about into over under than as up out off"
_CONJUNCTIONS_AND_ANSWERS = "then so if and or but because not no nor such yes yeah yep nope sure ok okay"
_QUESTION_WORDS = "what which who whom whose when where why how"
_QUANTITIES_AND_ADVERBS = """
all any some each every more most much many very just also too only own same again still now ever really actually back
"""
_COURTESY = "please thanks thank hi hello hey like tell"
_CONTRACTIONS = """
i'm i'd i'll i've you're you've you'd you'll we're we've we'll they're it's that's there's here's what's who's where's
how's let's don't doesn't didn't isn't aren't wasn't weren't haven't hasn't hadn't can't cannot couldn't won't wouldn't
shouldn't
"""
STOP_WORDS: Final = frozenset(
    f"{_ARTICLES_AND_PRONOUNS} {_AUXILIARY_VERBS} {_PREPOSITIONS} {_CONJUNCTIONS_AND_ANSWERS} {_QUESTION_WORDS} "
    f"{_QUANTITIES_AND_ADVERBS} {_COURTESY} {_CONTRACTIONS}".split()
)

_REQUESTS = "give go going come help know let need show way want kind sort"
REQUEST_WORDS: Final = frozenset(_REQUESTS.split())
"""What a customer asks with, whatever it is about: stop words of a message to us, but not of an article."""
