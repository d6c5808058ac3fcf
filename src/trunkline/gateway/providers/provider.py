"""What is known of one kind of upstream."""

from typing import Literal

import msgspec

from trunkline.gateway.exchange.destination import Quirks
from trunkline.gateway.exchange.parts import Family

Auth = Literal["bearer", "x-api-key", "api-key", "x-goog-api-key", "aws", "google"]
"""The header that carries the secret; ``aws`` signs each request, ``google`` exchanges a service
account's key for short-lived tokens."""


class Provider(msgspec.Struct, frozen=True, omit_defaults=True):
    """One kind of upstream.

    Attributes:
        id: stable name, used in settings, connections and metrics.
        title: how people write it.
        wires: the API formats that it speaks, the preferred ones first.
        base_url: what precedes a wire's own path; empty where each connection must name it. Words
            in braces, such as ``{region}``, are places that each connection must name.
        prefixes: wires whose paths have another prefix than the base address says. A ``/v1`` at
            the end of that address is left away before it.
        auth: the header that carries the secret.
        default_headers: sent where the client sent none of that name.
        output_limit_field: member of a request in which the provider takes an output ceiling.
        price_provider: its id in genai-prices, or None where nobody keeps a price list.
        price_fallbacks: providers whose lists are asked where the first has no such model. Source:
            the same fallbacks of genai-prices.
        publishes: whether every account can call the models of that price list by their names. At
            Azure and Bedrock an account names its own deployments and profiles.
        cancels_on_close: whether closing the connection stops the bill. Source: OpenRouter's
            documentation of stream cancellation; where nothing is known, the answer is read to
            its end, since that costs nothing more and tells the true usage.
        self_hosted: whether its tokens cost nothing: a free price row stands for all its models.
        settings: fields of the settings that make a connection for everyone, the deciding one
            first: its secret, its address, or the place that the address needs.
        fixtures: folder of recorded transcripts that the wire was checked against; without one
            the row is printed as unverified.
        family: whose signatures its models can read; empty where it depends on the model.
        quirks: how its dialect of its wires differs.
    """

    id: str
    title: str
    wires: tuple[str, ...]
    base_url: str = ""
    prefixes: tuple[tuple[str, str], ...] = ()
    auth: Auth = "bearer"
    default_headers: tuple[tuple[bytes, bytes], ...] = ()
    output_limit_field: str = "max_tokens"
    price_provider: str | None = None
    price_fallbacks: tuple[str, ...] = ()
    publishes: bool = True
    cancels_on_close: bool = False
    self_hosted: bool = False
    settings: tuple[str, ...] = ()
    fixtures: str | None = None
    family: Family = ""
    quirks: Quirks = Quirks()
