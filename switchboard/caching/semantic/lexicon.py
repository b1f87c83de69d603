"""General English word lists that the guards go by. No company's words: a deployment's product names are settings."""

from switchboard.text.stop_words import REQUEST_WORDS, STOP_WORDS


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


NEGATIONS = frozenset(
    ["not", "no", "never", "none", "nothing", "nobody", "nowhere", "neither", "nor", "without", "unable"]
)

CONTRACTIONS = {
    "can't": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not", "ain't": "is not",
    "n't": " not", "'m": " am", "'re": " are", "'ve": " have", "'ll": " will", "'d": " would",
    "let's": "let us", "what's": "what is", "where's": "where is", "how's": "how is", "who's": "who is",
    "when's": "when is", "why's": "why is", "that's": "that is", "there's": "there is", "it's": "it is",
}  # fmt: skip
"""Applied in order; the apostrophe is the plain one."""

BARE_NEGATIONS = _words("""
dont doesnt didnt isnt arent wasnt werent havent hasnt hadnt cant couldnt wont wouldnt shouldnt mustnt
""")

NUMBER_WORDS = {
    name: str(value)
    for value, name in enumerate(
        ["zero", "-", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]
    )
    if name != "-"
} | {
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90",
    "hundred": "100", "hundreds": "100", "thousand": "1000", "million": "1000000", "half": "0.5", "quarter": "0.25",
    "twice": "2", "double": "2", "triple": "3", "first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th",
    "both": "2", "couple": "2", "dozen": "12",
}  # fmt: skip
"""'one' is left out: mostly it stands for a thing ('a new one'); 'twice' and 'double' both say 2."""

UNITS = {
    word: unit
    for unit, words in {
        "second": "sec secs seconds", "minute": "min mins minute minutes", "hour": "hr hrs hour hours hourly",
        "day": "day days daily", "week": "week weeks weekly", "fortnight": "fortnight fortnightly",
        "month": "month months monthly mo", "quarter": "quarterly", "year": "yr yrs year years yearly annual annually annum",
        "kb": "kb kilobyte kilobytes", "mb": "mb megabyte megabytes", "gb": "gb gig gigs gigabyte gigabytes",
        "tb": "tb terabyte terabytes", "mbps": "mbps mbit", "gbps": "gbps gbit", "percent": "% percent pct",
        "km": "km kilometre kilometres kilometer kilometers", "mile": "mile miles", "kg": "kg kilo kilos kilogram kilograms",
        "cm": "cm", "mm": "mm", "inch": "inch inches", "gbp": "£ gbp pound pounds quid sterling",
        "usd": "$ usd dollar dollars bucks", "eur": "€ eur euro euros", "jpy": "¥ jpy yen", "chf": "chf franc francs",
        "aud": "aud", "cad": "cad", "inr": "inr rupee rupees", "cny": "cny yuan renminbi", "pln": "pln zloty",
    }.items()
    for word in words.split()
}  # fmt: skip
"""Word → unit of measure, of time or of money."""

DATES = {
    word: day
    for day, words in {
        "january": "january jan", "february": "february feb", "march": "march", "april": "april apr", "june": "june jun",
        "july": "july jul", "august": "august aug", "september": "september sept sep", "october": "october oct",
        "november": "november nov", "december": "december dec", "monday": "monday mondays mon",
        "tuesday": "tuesday tuesdays tue tues", "wednesday": "wednesday wednesdays wed",
        "thursday": "thursday thursdays thu thurs", "friday": "friday fridays fri", "saturday": "saturday saturdays",
        "sunday": "sunday sundays", "weekend": "weekend weekends", "weekday": "weekday weekdays", "today": "today",
        "tonight": "tonight", "tomorrow": "tomorrow", "yesterday": "yesterday", "morning": "morning mornings",
        "afternoon": "afternoon afternoons", "evening": "evening evenings", "night": "night overnight", "noon": "noon midday",
        "midnight": "midnight", "christmas": "christmas xmas", "easter": "easter", "spring": "spring", "summer": "summer",
        "autumn": "autumn", "winter": "winter",
    }.items()
    for word in words.split()
}  # fmt: skip

PERIOD_MARKS = frozenset(["last", "next", "previous", "current", "past", "coming", "following", "this"])
"""Before a unit of time they name a date: 'last month'."""

VARIANTS = _words("""
basic standard premium plus pro lite light mini max ultra gold silver bronze platinum diamond starter essential
essentials unlimited family business enterprise personal student junior senior corporate individual joint single
prepaid postpaid physical virtual domestic international national abroad overseas online offline mobile landline fixed
wireless wired fibre fiber broadband android ios iphone ipad ipod windows mac macos linux samsung galaxy pixel nokia
huawei xiaomi apple google microsoft amazon facebook whatsapp visa mastercard amex maestro discover paypal venmo
stripe swift sepa iban bitcoin ethereum cryptocurrency usps ups fedex dhl credit debit black white red green blue
yellow orange pink purple grey gray brown small medium large xl extra weekly monthly adult child children email sms
text phone post wifi bluetooth ethernet esim sim usb hdmi first-class economy express
""")
"""Words that tell one product, plan, brand, colour or channel from its sisters: one wrong makes the answer wrong."""

PLACES = _words("""
uk usa us america england scotland wales ireland france germany spain italy portugal netherlands belgium austria
switzerland sweden norway denmark finland poland greece turkey russia ukraine china japan india pakistan australia
canada mexico brazil argentina africa asia europe eu egypt israel dubai singapore malaysia thailand vietnam indonesia
philippines korea taiwan london paris berlin madrid rome lisbon amsterdam dublin vienna zurich new-york york chicago
boston texas california florida seattle miami toronto sydney melbourne tokyo delhi moscow hungary romania bulgaria
croatia czech estonia latvia lithuania iceland luxembourg malta cyprus morocco kenya nigeria
""")

ANTONYMS = tuple(
    tuple(frozenset(side.split()) for side in line.split("|"))
    for line in """
    activate enable start begin launch | deactivate disable stop end terminate suspend pause
    on | off
    open create | close delete remove
    add include | remove delete exclude subtract
    increase raise upgrade extend | decrease reduce lower downgrade shorten
    lock block freeze | unlock unblock unfreeze
    send transfer pay | receive get
    deposit | withdraw withdrawal withdrawn
    buy purchase | sell
    accept approve approved accepted | decline reject declined rejected refuse refused deny denied
    allow permit | forbid block prevent prohibit
    connect | disconnect
    install | uninstall
    subscribe | unsubscribe
    register | unregister deregister
    login signin | logout signout
    import | export
    upload | download
    lost | found
    lose | find
    lend | borrow
    arrive arrival | depart departure leave
    incoming inbound | outgoing outbound
    before | after
    earlier sooner | later
    early | late
    cheap cheaper cheapest | expensive dearer dearest pricey
    high higher highest | low lower lowest
    big bigger biggest large larger largest | small smaller smallest
    fast faster fastest quick | slow slower slowest
    minimum least | maximum most
    more | less fewer
    above over | below under
    hot | cold
    old previous former | new next
    first | last
    open opened | closed shut
    full | empty
    free | paid
    right correct | wrong incorrect
    true | false
    same | different another other
    always | never
    all every | none
    with | without
    into | out
    from | to
    in | out
    up | down
    inside indoors | outside outdoors
    push | pull
    win | lose
    success succeed succeeded successful | fail failed failure unsuccessful
    confirm keep | cancel
    renew | cancel expire
    join | leave quit
    start started | finish finished
    hire | fire
    credit | debit
    import imported | export exported
    buyer | seller
    sender | recipient receiver
    public | private
    visible show | hide hidden
    mute | unmute
    possible | impossible
    legal | illegal
    safe | dangerous unsafe
    known | unknown
    available | unavailable
    valid | invalid
    active | inactive
    limited | unlimited
    charge charged | refund refunded
    increase increased | decrease decreased
    give | take
    borrow | return
    back | front
    left | right
    male | female
    day | night
    working | broken
    """.strip().splitlines()
)
"""Each line: words of one side, words of the other. Compared by stem, only among the words that the texts do not share."""

OPPOSING_PREFIXES = ("un", "dis", "de", "in", "im", "non", "mis", "re")
"""'lock' and 'unlock': a word and itself with one of these before it do not mean the same."""

_ASKING = _words("""
able advise assist bit dear explain guys inform kindly lot madam make possible question s say sir supposed t try trying
well wish wonder wondering
""")
_TELLING_APART = _words(
    "not no nor off out up back still same all each every more most nothing everything ever such because"
)
"""Of the stop words those that make another question: 'the same card' or 'another one', 'all' or 'one', 'log out'."""
FUNCTION_WORDS = (STOP_WORDS | REQUEST_WORDS | _ASKING) - _TELLING_APART
"""Words that carry little of what is asked."""

PREPOSITIONS = _words("""
to from in on into out off by with without for at up down back before after until between again already yet still
anymore other another any all more most only same different too
""")
MODALS = _words("""
can could will would should may might must did does was were have has had
""")
PERSONS = {
    "i": 1, "me": 1, "my": 1, "mine": 1, "we": 1, "our": 1, "us": 1, "you": 2, "your": 2, "someone": 3, "somebody": 3,
    "they": 3, "them": 3, "their": 3, "he": 3, "him": 3, "his": 3, "she": 3, "her": 3, "friend": 3, "husband": 3, "wife": 3,
}  # fmt: skip

PHRASES = (
    (r"\b(?:hi|hello|hey|dear|please|kindly|thanks|thank you|sorry|excuse me|just|actually|really|quickly)\b", " "),
    (
        r"\b(?:can|could|would|will) you (?:please )?(?:tell me|explain|help me understand|let me know|inform me)(?: about)?\b",
        " ",
    ),
    (
        r"\b(?:tell me|let me know|i want to know|i would like to know|i need to know|i was wondering|i am wondering|do you know)\b",
        " ",
    ),
    (
        r"\b(?:is it possible to|is it possible for me to|am i able to|are we able to|will i be able to|would i be able to|may i|could i|am i allowed to)\b",
        " can i ",
    ),
    (
        r"\b(?:what is the way to|what is the best way to|what do i (?:need to |have to )?do to|what should i do to|what steps do i take to)\b",
        " how ",
    ),
    (r"\bhow (?:do|can|should|could|would|might|shall|must|may) (?:i|we|you|one)(?: go about)?\b", " how "),
    (r"\bhow to\b", " how "),
    (r"\b(?:i (?:want|need|would like|wish) to (.+?) how (?:do|can) i (?:do that|do it|do this))$", r" how \1 "),
    (r"\b(?:at )?what time\b", " when "),
    (r"\b(?:what is the reason|for what reason|how come)(?: that| why)?\b", " why "),
    (r"\b(?:free of charge|for free|at no cost)\b", " free "),
    (r"\bwhat is the meaning of (.+)", r" what does \1 mean "),
    (r"\bhow much (?:does|do|will|would|is|are)\b", " what cost "),
    (r"\bwhat (?:does|do|will|would) (.{1,120}?) cost", r" what cost \1 "),
    (r"\bwhat is the (?:price|cost) of\b", " what cost "),
    (r"\bat the same time\b|\bat once\b|\bsimultaneously\b", " together "),
    (
        r"\bany\b|\ba\b|\ban\b|\bthe\b|\bmy\b|\bour\b|\byour\b|\bis\b|\bare\b|\bdoes\b|\bdo\b|\bthere\b|\bit\b|\bof\b",
        " ",
    ),
)
"""Ways of saying the same, rewritten to one: applied in order to lower-case words without marks."""
