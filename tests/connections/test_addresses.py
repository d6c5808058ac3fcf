"""Addresses of providers."""

import pytest

from trunkline.connections.addresses import (
    Address,
    azure_base_url,
    filled,
    ollama_base_url,
    parse_base_url,
    places_in,
)
from trunkline.gateway.snapshot import Origin


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://api.openai.com/v1", Address(Origin("https", "api.openai.com", 443), "/v1")),
        ("http://127.0.0.1:8000", Address(Origin("http", "127.0.0.1", 8000), "")),
        ("HTTP://Host/a/b/", Address(Origin("http", "host", 80), "/a/b")),
        ("https://[::1]:8443/v1", Address(Origin("https", "::1", 8443), "/v1")),
        (
            "https://a.example/openai/deployments/gpt-4o?api-version=2024-10-21",
            Address(
                Origin("https", "a.example", 443),
                "/openai/deployments/gpt-4o",
                "api-version=2024-10-21",
            ),
        ),
    ],
)
def test_an_address_is_split_into_origin_and_prefix(url: str, address: Address) -> None:
    assert parse_base_url(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "", "api.openai.com/v1", "ftp://host/", "file:///etc/passwd", "https://", "https:///v1",
        "https://user:secret@host/v1", "https://@host", "https://host/v1?key=1", "https://host/?",
        "https://host/?api-version=1&key=2", "https://host/?api-version=", "https://host/?a?api-version=1",
        "https://host/#a", "https://host:0/", "https://host:70000/", "https://host:x/",
        "https://ho st/", "https://host/\r\nx: y", "https://hös.example/", "https://host/../v1",
        "https://host\\@evil/", "https://host/./v1",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"address|credentials|port"):
        parse_base_url(url)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:11434"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("http://gpu.example", "http://gpu.example"),
        ("https://gpu.example:1/ollama/v1/", "https://gpu.example:1/ollama/v1"),
    ],
)
def test_an_ollama_host_is_completed_as_ollama_does_it(host: str, url: str) -> None:
    assert ollama_base_url(host) == url
    parse_base_url(ollama_base_url(host))


VERTEX = "https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}"


def test_the_places_of_an_address_are_filled_in() -> None:
    assert places_in(VERTEX) == ("region", "project")
    assert places_in("https://api.openai.com/v1") == ()
    assert filled(VERTEX, region="europe-west1", project="acme.example:ml-1") == (
        "https://europe-west1-aiplatform.googleapis.com/v1/projects/acme.example:ml-1/locations/"
        "europe-west1"
    )
    assert filled(VERTEX, region="global", project="p") == (
        "https://aiplatform.googleapis.com/v1/projects/p/locations/global"
    )


@pytest.mark.parametrize(
    "place", ["", "a/b", "a b", "evil.example/", "a@b", "-a", "a?", "ü", "{x}"]
)
def test_a_place_that_would_change_the_address_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="is no project"):
        filled(VERTEX, region="global", project=place)


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("https://name.openai.azure.com/", "https://name.openai.azure.com/openai/v1"),
        ("https://name.openai.azure.com", "https://name.openai.azure.com/openai/v1"),
        ("https://name.openai.azure.com/openai/v1/", "https://name.openai.azure.com/openai/v1"),
        ("https://gate.example/azure", "https://gate.example/azure"),
    ],
)
def test_an_azure_endpoint_is_completed_to_the_address_that_needs_no_version(
    endpoint: str, url: str
) -> None:
    assert azure_base_url(endpoint) == url
