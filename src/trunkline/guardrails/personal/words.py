"""E-mail addresses, network addresses, and passwords in URLs."""

import ipaddress
import re
from collections.abc import Callable
from typing import Final, Literal

from trunkline.guardrails.personal.entity import Entity, Spot, every_match

Addresses = Literal["public", "all"]

# RFC 5321: 64 characters before the sign, 255 behind it; a name of a host has 63 in a part.
_LOCAL_CHARACTERS: Final = 64
_DOMAIN_CHARACTERS: Final = 255
# Without the quotes and marks of RFC 5322 that in running text belong to the text around.
_LOCAL: Final = re.compile(r"[A-Za-z0-9._%+'-]{1,64}")
_DOMAIN: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
_NOT_FIRST: Final = ".%+'-"

_USERINFO: Final = re.compile(r"[^\s/@:?#\[\]\"'<>]{0,64}:[^\s/@\"'<>]{1,256}(?=@[A-Za-z0-9\[])")
_USERINFO_CHARACTERS: Final = 64 + 1 + 256 + 2

_IPV4: Final = re.compile(r"[0-9](?<![\w.].)[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?!\w|\.[0-9])")
_IPV6: Final = re.compile(
    r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}|:)(?::[0-9A-Fa-f]{0,4}){2,8}"
    r"(?:(?<=:)[0-9]{1,3}(?:\.[0-9]{1,3}){3})?(?![\w:])"
)
_ADDRESS_CHARACTERS: Final = 46


def _search_email(text: str, start: int) -> Spot | None:
    sign = text.find("@", start + 1)
    while sign >= 0:
        domain = _DOMAIN.match(text, sign + 1)
        if domain is not None and domain.end() - sign - 1 <= _DOMAIN_CHARACTERS:
            # Read backwards from the sign, so that a long run of letters is read once only.
            before = text[max(start, sign - _LOCAL_CHARACTERS) : sign][::-1]
            local = _LOCAL.match(before)
            if local is not None and (known := local.group().rstrip(_NOT_FIRST)):
                return sign - len(known), domain.end()
        sign = text.find("@", sign + 1)
    return None


def _search_userinfo(text: str, start: int) -> Spot | None:
    mark = text.find("://", max(0, start - 3))
    while mark >= 0:
        found = _USERINFO.match(text, mark + 3)
        if found is not None and found.start() >= start:
            return found.span()
        mark = text.find("://", mark + 3)
    return None


def _judge_address(addresses: Addresses) -> Callable[[re.Match[str]], Spot | None]:
    def judge(match: re.Match[str]) -> Spot | None:
        try:
            address = ipaddress.ip_address(match.group())
        except ValueError:
            return None
        if address.is_unspecified or address.is_loopback:
            return None  # Every machine has them.
        return match.span() if addresses == "all" or address.is_global else None

    return judge


def email() -> Entity:
    """``name@example.com``, with a domain that has a dot."""
    return Entity(
        "email",
        _LOCAL_CHARACTERS + 1 + _DOMAIN_CHARACTERS + 1,
        lambda text: "@" in text,
        _search_email,
    )


def url_credentials() -> Entity:
    """``user:password`` in front of the host of a URL; the URL itself stays."""
    return Entity(
        "url_credentials", _USERINFO_CHARACTERS, lambda text: "://" in text, _search_userinfo
    )


def ipv4_address(addresses: Addresses) -> Entity:
    """Addresses of version 4; only those of the public network, or all of one machine."""
    search = every_match(_IPV4, _judge_address(addresses))
    return Entity("ip_address", _ADDRESS_CHARACTERS, lambda text: text.count(".") >= 3, search)


def ipv6_address(addresses: Addresses) -> Entity:
    """Addresses of version 6, likewise. Without a digit it is rather a name in a program."""
    judge = _judge_address(addresses)

    def judge_with_digit(match: re.Match[str]) -> Spot | None:
        has_digit = any(character.isdigit() for character in match.group())
        return judge(match) if has_digit else None

    search = every_match(_IPV6, judge_with_digit)
    return Entity("ip_address", _ADDRESS_CHARACTERS, lambda text: text.count(":") >= 2, search)
