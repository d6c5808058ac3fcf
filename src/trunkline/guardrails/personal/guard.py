"""The guard that finds personal data and secrets."""

from collections.abc import Callable
from typing import Final

import msgspec
from typing_extensions import override

from trunkline.gateway.guarding.guard import Finding
from trunkline.guardrails.personal.entity import Entity, Spot
from trunkline.guardrails.personal.numbers import iban_begin
from trunkline.guardrails.personal.plain import plain_of, without_unfinished
from trunkline.guardrails.personal.secrets import open_block
from trunkline.guardrails.written import Heading, WrittenGuard

# What the words of a text are made of, and what numbers in groups are made of. A finding that is
# not complete lies in the last word or in the last number, private keys and accounts excepted.
_IN_WORDS: Final = "".join(map(chr, range(0x21, 0x7F)))
_IN_NUMBERS: Final = "0123456789 ().-/+"
_LONGEST_ACCOUNT: Final = 66


class PersonalGuard(WrittenGuard):
    """Finds what its entities describe. It never changes after it is made.

    Args:
        heading: of the guardrail.
        entities: in the order in which they win where two begin at the same place.
        stands_in: by kind, what stands in the place of a finding.
        restored: whether answers get back what was replaced in the request.
    """

    def __init__(
        self,
        heading: Heading,
        entities: tuple[Entity, ...],
        stands_in: dict[str, str],
        *,
        restored: bool,
    ) -> None:
        super().__init__(heading)
        self._stands_in = stands_in if heading.action == "redact" else {}
        self._restored = restored
        self._reach = max(entity.reach for entity in entities)
        kinds = {entity.kind for entity in entities}
        self._blocks = "private_key" in kinds
        self._accounts = "iban" in kinds
        # Entities with the same first look share it, in the order of the entities.
        self._looks: dict[Callable[[str], bool], list[tuple[int, Entity]]] = {}
        for place, entity in enumerate(entities):
            self._looks.setdefault(entity.concerns, []).append((place, entity))

    @property
    @override
    def reach(self) -> int:
        return self._reach

    @override
    def find(self, text: str, start: int = 0) -> list[Finding]:
        plain = plain_of(text)
        if plain is None:
            return self._find(text, start)
        return [
            msgspec.structs.replace(one, start=plain.begin(one.start), end=plain.end(one.end))
            for one in self._find(plain.text, plain.place(start))
        ]

    def _find(self, text: str, start: int) -> list[Finding]:
        ahead: list[tuple[Spot, int, Entity]] = []
        for concerns, entities in self._looks.items():
            if concerns(text):
                for place, entity in entities:
                    if (spot := entity.search(text, start)) is not None:
                        ahead.append((spot, place, entity))
        return self._in_order(text, ahead) if ahead else []

    def _in_order(self, text: str, ahead: list[tuple[Spot, int, Entity]]) -> list[Finding]:
        """From left to right; what overlaps a finding is searched for again behind it."""
        found: list[Finding] = []
        while ahead:
            spot, _, entity = min(ahead, key=lambda one: (one[0][0], one[1]))
            found.append(
                Finding(*spot, entity.kind, self._stands_in.get(entity.kind), self._restored)
            )
            kept = []
            for next_spot, place, other in ahead:
                again = next_spot
                if next_spot[0] < spot[1]:
                    later = other.search(text, spot[1])
                    if later is None:
                        continue
                    again = later
                kept.append((again, place, other))
            ahead = kept
        return found

    @override
    def settled(self, text: str, start: int) -> int:
        text = without_unfinished(text)
        plain = plain_of(text)
        if plain is None:
            return self._settled(text, start)
        return max(start, plain.begin(self._settled(plain.text, plain.place(start))))

    def _settled(self, text: str, start: int) -> int:
        end = len(text)
        hold = min(len(text.rstrip(_IN_WORDS)), len(text.rstrip(_IN_NUMBERS)))
        if self._accounts:
            account = iban_begin(text, max(start, end - _LONGEST_ACCOUNT))
            # Two letters stand before the digit at which it was recognised.
            hold = hold if account is None else min(hold, account)
        if self._blocks:
            block = open_block(text, start)
            hold = hold if block is None else min(hold, block)
        return max(start, hold, end - self._reach)
