"""Closed classes of words that turn the meaning of a text, for ``near_marks``.

The lists are short on purpose. A word that is missing here costs a veto, and the threshold still
stands; a word too many costs a hit, which is only an attempt that would have been made anyway.
"""

from typing import Final

NEGATIONS: Final = frozenset({
    # English; what ends in n't is found by its ending.
    "not", "no", "never", "none", "nobody", "nothing", "neither", "nor", "without", "cannot",
    "dont", "cant", "doesnt", "isnt", "except", "excluding",
    # German, French, Spanish, Italian, Portuguese, Dutch.
    "nicht", "kein", "keine", "keinen", "keinem", "keiner", "nie", "niemals", "ohne",
    "pas", "jamais", "sans", "aucun", "aucune",
    "nunca", "sin", "ninguno", "ninguna",
    "non", "mai", "senza", "nessun", "nessuna",
    "não", "sem", "nenhum", "nenhuma",
    "niet", "geen", "nooit", "zonder",
})  # fmt: skip

COUNTS: Final = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14",
    "fifteen": "15", "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19",
    "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70",
    "eighty": "80", "ninety": "90", "hundred": "100", "thousand": "1000", "dozen": "12",
    "million": "million", "billion": "billion", "half": "half", "twice": "twice",
    "double": "double", "triple": "triple",
}  # fmt: skip

DATES: Final = frozenset({
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    "january", "february", "april", "june", "july", "august", "september", "october", "november",
    "december", "spring", "summer", "autumn", "winter",
    "yesterday", "today", "tomorrow", "daily", "weekly", "monthly", "quarterly", "yearly",
    "day", "week", "month", "quarter", "year", "hour", "minute", "second",
})  # fmt: skip

UNITS: Final = frozenset({
    "celsius", "fahrenheit", "kelvin", "metre", "meter", "kilometre", "kilometer", "mile", "feet",
    "foot", "inch", "yard", "centimetre", "centimeter", "millimetre", "millimeter", "km", "cm",
    "mm", "kg", "gram", "kilogram", "pound", "ounce", "stone", "tonne", "ton", "litre", "liter",
    "gallon", "pint", "cup", "byte", "bit", "kilobyte", "megabyte", "gigabyte", "terabyte", "kb",
    "mb", "gb", "tb", "degree", "radian", "watt", "kilowatt", "joule", "calorie", "mph", "kph",
    "euro", "dollar", "yen", "usd", "eur", "gbp", "jpy", "percent",
})  # fmt: skip

OPPOSITES: Final = (
    ("increase", "decrease"), ("increase", "reduce"), ("raise", "lower"), ("more", "less"),
    ("more", "fewer"), ("most", "least"), ("max", "min"), ("maximum", "minimum"),
    ("maximise", "minimise"), ("maximize", "minimize"), ("highest", "lowest"), ("high", "low"),
    ("largest", "smallest"), ("biggest", "smallest"), ("large", "small"), ("longest", "shortest"),
    ("long", "short"), ("best", "worst"), ("good", "bad"), ("cheapest", "dearest"),
    ("fastest", "slowest"), ("fast", "slow"), ("oldest", "newest"), ("oldest", "latest"),
    ("old", "new"), ("first", "last"), ("before", "after"), ("until", "since"),
    ("next", "previous"), ("next", "last"), ("start", "stop"), ("begin", "end"),
    ("open", "close"), ("enable", "disable"), ("activate", "deactivate"), ("allow", "deny"),
    ("allow", "forbid"), ("allow", "block"), ("accept", "reject"), ("accept", "decline"),
    ("add", "remove"), ("create", "delete"), ("install", "uninstall"), ("import", "export"),
    ("upload", "download"), ("encode", "decode"), ("encrypt", "decrypt"),
    ("compress", "decompress"), ("serialise", "deserialise"), ("serialize", "deserialize"),
    ("lock", "unlock"), ("mute", "unmute"), ("follow", "unfollow"), ("subscribe", "unsubscribe"),
    ("connect", "disconnect"), ("push", "pull"), ("send", "receive"), ("buy", "sell"),
    ("lend", "borrow"), ("win", "lose"), ("pass", "fail"), ("up", "down"), ("left", "right"),
    ("top", "bottom"), ("above", "below"), ("over", "under"), ("inside", "outside"),
    ("front", "back"), ("in", "out"), ("on", "off"), ("to", "from"), ("north", "south"),
    ("east", "west"), ("ascending", "descending"), ("row", "column"), ("horizontal", "vertical"),
    ("input", "output"), ("source", "target"), ("client", "server"), ("true", "false"),
    ("valid", "invalid"), ("legal", "illegal"), ("safe", "unsafe"), ("safe", "dangerous"),
    ("public", "private"), ("internal", "external"), ("hot", "cold"), ("warm", "cool"),
    ("heat", "cool"), ("advantage", "disadvantage"), ("pro", "con"), ("benefit", "drawback"),
    ("benefit", "risk"), ("cause", "effect"), ("cause", "treatment"), ("formal", "informal"),
    ("upper", "lower"), ("uppercase", "lowercase"), ("upgrade", "downgrade"), ("gain", "lose"),
    ("arrive", "depart"), ("arrival", "departure"), ("singular", "plural"), ("male", "female"),
    ("men", "women"), ("his", "her"), ("adult", "child"), ("dog", "cat"),
    ("positive", "negative"), ("plus", "minus"), ("multiply", "divide"), ("active", "passive"),
    ("can", "must"), ("why", "how"), ("who", "when"), ("where", "when"), ("who", "where"),
    ("who", "why"), ("why", "where"), ("why", "when"),
)  # fmt: skip
