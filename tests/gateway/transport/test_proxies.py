"""Which origins go through the operator's proxy."""

import pytest

from trunkline.gateway.snapshot import Origin
from trunkline.gateway.transport.proxies import Proxies, Proxy


def goes_direct(no_proxy: list[str], host: str, port: int = 443) -> bool:
    proxies = Proxies(https="http://proxy:3128", no_proxy=no_proxy)
    return proxies.for_origin(Origin("https", host, port)) is None


def test_each_scheme_has_its_own_proxy() -> None:
    proxies = Proxies(http="http://plain:1", https="http://tls:2/")
    assert proxies.for_origin(Origin("http", "a.example", 80)) == Proxy("plain", 1)
    assert proxies.for_origin(Origin("https", "a.example", 443)) == Proxy("tls", 2)


@pytest.mark.parametrize("setting", [None, ""])
def test_without_a_setting_there_is_no_proxy(setting: str | None) -> None:
    proxies = Proxies(http=setting, https=setting)
    assert proxies.for_origin(Origin("http", "a.example", 80)) is None


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://proxy", Proxy("proxy", 80)),
        ("proxy:3128", Proxy("proxy", 3128)),
        ("http://[::1]:8080", Proxy("::1", 8080)),
        ("http://user:p%40ss@proxy:1", Proxy("proxy", 1, b"Basic dXNlcjpwQHNz")),
        ("http://user@proxy:1", Proxy("proxy", 1, b"Basic dXNlcjo=")),
    ],
)
def test_a_proxy_is_read_from_its_url(url: str, proxy: Proxy) -> None:
    assert Proxies(http=url).for_origin(Origin("http", "a.example", 80)) == proxy


@pytest.mark.parametrize(
    "url", ["https://u:secret@proxy", "socks5://u:secret@proxy", "http://u:secret@", "http://p/x"]
)
def test_another_kind_of_proxy_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="a proxy is given as") as caught:
        Proxies(http=url)
    assert "secret" not in str(caught.value)


def test_a_password_is_not_shown_by_repr() -> None:
    proxies = Proxies(http="http://user:secret@proxy:1")
    assert repr(proxies) == "Proxies({'http': Proxy('proxy', 1)})"


@pytest.mark.parametrize(
    ("entry", "host", "direct"),
    [
        ("*", "api.example.com", True),
        ("example.com", "example.com", True),
        ("example.com", "api.example.com", True),
        ("example.com", "API.Example.COM.", True),
        ("example.com", "badexample.com", False),
        ("example.com", "example.com.evil.org", False),
        (".example.com", "api.example.com", True),
        ("*.example.com", "api.example.com", True),
        ("EXAMPLE.com", "example.com", True),
        (" example.com ", "example.com", True),
        ("example.com:443", "example.com", True),
        ("example.com:8443", "example.com", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "ten.example.com", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("fd00::/8", "fd00::1", True),
        ("[::1]", "::1", True),
        ("", "example.com", False),
    ],
)
def test_no_proxy_rules(entry: str, host: str, direct: bool) -> None:
    assert goes_direct([entry], host) is direct


def test_one_of_several_rules_is_enough() -> None:
    assert goes_direct(["a.example", "10.0.0.0/8", "b.example"], "x.b.example")
