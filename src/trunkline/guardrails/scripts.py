"""Languages by the script they are written in.

Languages that share a script, such as English and French, cannot be told apart this way, and a
library that can weighs tens of megabytes and milliseconds; docs/guardrails.md says so.
"""

import re
from collections.abc import Iterable
from typing import Final

from typing_extensions import override

from trunkline.gateway.guarding.guard import Finding
from trunkline.guardrails.written import Heading, WrittenGuard

# Blocks of letters with their marks. Source: Unicode 15.1, Blocks.txt and Scripts.txt; the rare
# historic blocks are left out.
SCRIPTS: Final = {
    "latin": "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u1e00-\u1eff"
    "\u2c60-\u2c7f\ua722-\ua7ff\uab30-\uab64\uff21-\uff3a\uff41-\uff5a",
    "greek": "\u0370-\u0373\u0376-\u037d\u037f\u0384-\u03ff\u1f00-\u1fff",
    "cyrillic": "\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f",
    "armenian": "\u0531-\u058f\ufb13-\ufb17",
    "hebrew": "\u0591-\u05ff\ufb1d-\ufb4f",
    "arabic": "\u0610-\u061a\u061c-\u065f\u066e-\u06ef\u06fa-\u06ff\u0750-\u077f\u0870-\u08ff"
    "\ufb50-\ufdff\ufe70-\ufefc",
    "devanagari": "\u0900-\u0963\u0970-\u097f\ua8e0-\ua8ff",
    "bengali": "\u0980-\u09e5\u09f0-\u09ff",
    "gurmukhi": "\u0a00-\u0a65\u0a70-\u0a7f",
    "gujarati": "\u0a80-\u0ae5\u0af0-\u0aff",
    "oriya": "\u0b00-\u0b65\u0b70-\u0b7f",
    "tamil": "\u0b80-\u0be5\u0bf0-\u0bff",
    "telugu": "\u0c00-\u0c65\u0c70-\u0c7f",
    "kannada": "\u0c80-\u0ce5\u0cf0-\u0cff",
    "malayalam": "\u0d00-\u0d65\u0d70-\u0d7f",
    "sinhala": "\u0d80-\u0de5\u0df0-\u0dff",
    "thai": "\u0e01-\u0e3a\u0e40-\u0e4e",
    "lao": "\u0e81-\u0ecd\u0edc-\u0edf",
    "tibetan": "\u0f00-\u0f1f\u0f34-\u0fff",
    "myanmar": "\u1000-\u103f\u104a-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f",
    "georgian": "\u10a0-\u10ff\u1c90-\u1cbf\u2d00-\u2d2f",
    "ethiopic": "\u1200-\u139f\u2d80-\u2ddf",
    "khmer": "\u1780-\u17dd",
    "mongolian": "\u1820-\u18af",
    "hangul": "\u1100-\u11ff\u3131-\u318e\ua960-\ua97c\uac00-\ud7ff",
    "kana": "\u3041-\u3096\u3099-\u30ff\u31f0-\u31ff\uff66-\uff9f",
    "han": "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af",
}

# What each language is written in, by its ISO 639-1 code; those of one script are one.
LANGUAGES: Final = {
    "el": ("greek",), "hy": ("armenian",), "he": ("hebrew",), "yi": ("hebrew",),
    "ja": ("kana", "han"), "zh": ("han",), "ko": ("hangul",), "th": ("thai",), "lo": ("lao",),
    "km": ("khmer",), "my": ("myanmar",), "ka": ("georgian",), "am": ("ethiopic",),
    "bo": ("tibetan",), "bn": ("bengali",), "pa": ("gurmukhi",), "gu": ("gujarati",),
    "or": ("oriya",), "ta": ("tamil",), "te": ("telugu",), "kn": ("kannada",),
    "ml": ("malayalam",), "si": ("sinhala",),
}  # fmt: skip
"""Languages whose script tells them, or nearly; every other one is named by its script."""


def scripts_of(names: Iterable[str]) -> frozenset[str]:
    """The scripts behind names of scripts and codes of languages."""
    found: set[str] = set()
    for name in names:
        found.update(LANGUAGES.get(name, (name,)))
    return frozenset(found)


class ScriptGuard(WrittenGuard):
    """Finds words in scripts that are not wanted. It refuses or notes.

    Args:
        heading: of the guardrail.
        unwanted: names of scripts.
        least: so many letters in a row make a finding, since one symbol is no language.
    """

    def __init__(self, heading: Heading, unwanted: frozenset[str], least: int) -> None:
        super().__init__(heading)
        self._reach = least
        self._patterns = [
            (script, re.compile(f"[{SCRIPTS[script]}]{{{least}}}")) for script in sorted(unwanted)
        ]
        self._any = re.compile("[" + "".join(SCRIPTS[one] for one in sorted(unwanted)) + "]")
        self._only_far = "latin" not in unwanted

    @property
    @override
    def reach(self) -> int:
        return self._reach

    @override
    def find(self, text: str, start: int = 0) -> list[Finding]:
        """The first place of each unwanted script: how often it goes on says nothing."""
        if (self._only_far and text.isascii()) or self._any.search(text, start) is None:
            return []
        found = []
        for script, pattern in self._patterns:
            match = pattern.search(text, start)
            if match is not None:
                found.append(Finding(*match.span(), script))
        return sorted(found, key=lambda finding: finding.start)
