"""Compiles the prices of genai-prices into the files of src/trunkline/catalog/bundled.

Importing genai-prices takes 0.3 s and brings pydantic and an HTTP client along, which the front
has no room for; so the work is done here, once for each version, and the result is reviewed as a
diff: one line for each model.

What genai-prices can say and our price rows cannot, and what becomes of it:

* Image and video tokens with a rate of their own, audio by the hour, characters, pages, messages:
  usage does not count them, so such a model has no price (``unpriced`` says which charge it is).
* Cached audio with another rate than cached text: usage counts both as cache reads at the text
  rate; the model carries the gap ``cache_audio_read_mtok``. Searches in stored files are a gap too.
* Batch processing and OpenRouter's regional routes: the data path never asks for them; left out.
* A model without any price: genai-prices counts it as free. Here it is free only where its id ends
  in ``:free`` or it is one of ``FREE_IDS``; all others are unpriced, since unknown is not zero.
* Google's fall-back to Anthropic's prices is for Vertex; the Gemini API serves no Claude.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import msgspec
from genai_prices import types as genai
from genai_prices.data import providers

from trunkline.catalog.rows import Kind, Match, Model, PriceRow, ProviderFile
from trunkline.gateway.metering.price import FREE, Rates, Tier, Variant
from trunkline.gateway.providers.registry import PROVIDERS
from trunkline.kit.money import NANO_PER_USD

BUNDLED = Path(__file__).parent.parent / "src" / "trunkline" / "catalog" / "bundled"
DAY = 86_400

# For each bucket of usage, the prices that may stand for it, the most specific first: the way up
# the unit lattice of genai-prices.
LATTICE = {
    "input": ("input_mtok",),
    "cache_read": ("cache_read_mtok", "input_mtok"),
    "cache_write": ("cache_write_mtok", "input_mtok"),
    "cache_write_5m": ("cache_write_5m_mtok", "cache_write_mtok", "input_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "audio_input": ("input_audio_mtok", "input_mtok"),
    "output": ("output_mtok",),
    "reasoning": ("output_reasoning_mtok", "output_mtok"),
    "audio_output": ("output_audio_mtok", "output_mtok"),
    "searches": ("web_searches_kcount",),
}
# Token prices without a bucket, and the price that their tokens would get instead. Where the two
# differ the model is unpriced, except for the gaps, which are rare and named in the row.
STAND_INS = {
    "input_image_mtok": "input_mtok",
    "cache_image_read_mtok": "cache_read_mtok",
    "input_video_mtok": "input_mtok",
    "output_image_mtok": "output_mtok",
    "output_video_mtok": "output_mtok",
}
GAPS = {"cache_audio_read_mtok": "cache_read_mtok", "storage_searches_kcount": None}
UNCOUNTED = {
    "audio_hours", "input_audio_hours", "input_mchars", "input_document_kpages",
    "input_annotated_document_kpages", "input_text_messages_kcount",
}  # fmt: skip
REQUESTS = "requests_kcount"
# Models that their providers list at no charge, with no price in genai-prices.
FREE_IDS = {"gemma-3", "gemma-3n", "gemma-4-26b-a4b-it", "gemma-4-31b-it", "moderation"}
# Anthropic answers with ``speed`` where OpenAI answers with ``service_tier``: the wire reports
# fast speed as a service tier of this name.
TIER_CONTEXTS = ("service_tier", "speed")

# The first sign found in an id decides the kind.
KINDS: tuple[tuple[str, Kind], ...] = (
    ("embed", "embedding"), ("transcribe", "transcription"), ("whisper", "transcription"),
    ("tts", "speech"), ("orpheus", "speech"), ("image", "image"), ("nano-banana", "image"),
    ("omni", "image"), ("lyria", "speech"), ("realtime", "realtime"), ("live", "realtime"),
    ("voice", "realtime"), ("streaming", "realtime"), ("moderation", "moderation"),
    ("guard", "moderation"), ("ocr", "ocr"), ("davinci", "completion"), ("babbage", "completion"),
    ("gpt-3.5-turbo-instruct", "completion"), ("redpajama-incite-base", "completion"),
)  # fmt: skip


def compiled() -> dict[str, ProviderFile]:
    """The files of all providers that the registry takes prices from, by provider id."""
    wanted = {row.price_provider for row in PROVIDERS if row.price_provider}
    source = f"genai-prices-{version('genai-prices')}"
    return {
        provider.id: ProviderFile(
            source, provider.id, tuple(_model(provider.id, model) for model in provider.models)
        )
        for provider in providers
        if provider.id in wanted
    }


def encoded(file: ProviderFile) -> bytes:
    """JSON with one line for each model; sets are sorted so that equal data gives equal bytes."""
    encoder = msgspec.json.Encoder(order="deterministic")
    lines = b",\n".join(encoder.encode(model) for model in file.models)
    head = encoder.encode({"source": file.source, "provider": file.provider})[:-1]
    return head + b',"models":[\n' + lines + b"\n]}\n"


def _model(provider: str, model: genai.ModelInfo) -> Model:
    rows, unpriced, gaps = _prices(model)
    return Model(
        id=model.id,
        match=_match(model.match),
        kind=_kind(model.id),
        names=tuple(_names(provider, model)),
        context_window=model.context_window,
        prices=rows,
        unpriced=unpriced,
        gaps=gaps,
    )


def _kind(model_id: str) -> Kind:
    lowered = model_id.lower()
    if lowered in {"ada", "curie"}:
        return "completion"
    return next((kind for sign, kind in KINDS if sign in lowered), "chat")


def _match(clause: genai.MatchLogic) -> Match:
    match clause:
        case genai.ClauseEquals():
            return Match(equals=frozenset({clause.equals.lower()}))
        case genai.ClauseStartsWith():
            return Match(starts_with=(clause.starts_with.lower(),))
        case genai.ClauseEndsWith():
            return Match(ends_with=(clause.ends_with.lower(),))
        case genai.ClauseContains():
            return Match(contains=(clause.contains.lower(),))
        case genai.ClauseRegex():
            return Match(regex=(clause.regex,))
        case genai.ClauseAnd():
            return Match(every=(tuple(_match(part) for part in clause.and_),))
        case genai.ClauseOr():
            parts = [_match(part) for part in clause.or_]
            return Match(
                equals=frozenset().union(*(part.equals for part in parts)),
                starts_with=tuple(x for part in parts for x in part.starts_with),
                ends_with=tuple(x for part in parts for x in part.ends_with),
                contains=tuple(x for part in parts for x in part.contains),
                regex=tuple(x for part in parts for x in part.regex),
                every=tuple(x for part in parts for x in part.every),
            )


def _names(provider: str, model: genai.ModelInfo) -> Iterator[str]:
    """The id and the other names under which the provider itself serves the model.

    No patterns, no fine-tunes, no suffixes of OpenRouter (``:free``), no spellings of other
    gateways (``gpt-5-1`` for ``gpt-5.1``, a vendor before a slash, Azure's ``gpt-35``), and no
    Claude of Google, which is reached through Vertex only. Marketplaces have ids in mixed case
    whose further names are known in lower case only, so there the id stands alone.
    """
    marketplace = provider in {"openrouter", "together", "groq"}
    if provider == "google" and model.id.startswith("claude"):
        return
    if model.id.endswith("-") or (":" in model.id and not marketplace):
        return
    yield model.id
    if marketplace:
        return
    names = _match(model.match).equals
    dashed = {name.replace(".", "-") for name in (*names, model.id) if "." in name}
    for name in sorted(names - dashed - {model.id}):
        if not (name.endswith("-") or name.startswith("gpt-35") or set(name) & set(":/")):
            yield name


def _prices(
    model: genai.ModelInfo,
) -> tuple[tuple[PriceRow, ...], str | None, tuple[str, ...]]:
    rows: list[PriceRow] = []
    gaps: set[str] = set()
    for since, daily, moment in _moments(model):
        standard = model.get_prices(moment)
        if reason := _cannot_say(model, standard):
            return (), reason, ()
        gaps |= _gaps(standard)
        row = _row(model, standard, moment)
        rows.append(msgspec.structs.replace(row, since=since, daily=daily))
    return tuple(_merged(rows)), None, tuple(sorted(gaps))


def _row(model: genai.ModelInfo, standard: genai.ModelPrice, moment: datetime) -> PriceRow:
    if not _stored(standard):
        return PriceRow(FREE)
    rates, tiers = _rates(standard)
    variants = []
    for context in _contexts(model):
        special = model.get_prices(moment, context)
        if _stored(special) != _stored(standard):
            variants.append(Variant(next(iter(context.values())), *_rates(special)))
    fixed = _stored(standard).get(REQUESTS, Decimal(0))
    if isinstance(fixed, genai.TieredPrices):
        raise TypeError(f"{model.id}: a tiered price for each request cannot be expressed")
    return PriceRow(rates, "", None, tiers, tuple(variants), _whole(fixed * NANO_PER_USD / 1000))


def _contexts(model: genai.ModelInfo) -> list[dict[str, str]]:
    contexts: list[dict[str, str]] = []
    for variant in model.price_variants or ():
        known = len(variant.when) == 1 and next(iter(variant.when)) in TIER_CONTEXTS
        if known and variant.when not in contexts:
            contexts.append(variant.when)
    return contexts


def _moments(model: genai.ModelInfo) -> Iterator[tuple[str, tuple[int, int] | None, datetime]]:
    """Each stretch of time in which one price applies, with a moment inside of it."""
    dated = list(model.prices) if isinstance(model.prices, list) else []
    constraints = [part.constraint for part in (*dated, *(model.price_variants or ()))]
    starts = {c.start_date for c in constraints if isinstance(c, genai.StartDateConstraint)}
    edges = {0, DAY}
    for constraint in constraints:
        if isinstance(constraint, genai.TimeOfDateConstraint):
            edges |= {_second(constraint.start_time), _second(constraint.end_time)}
    for start in (None, *sorted(starts)):
        midnight = datetime.combine(start or date(2000, 1, 1), time(), UTC)
        for begin, end in pairwise(sorted(edges)):
            daily = None if len(edges) == len({0, DAY}) else (begin, end)
            yield start.isoformat() if start else "", daily, midnight + timedelta(seconds=begin)


def _second(moment: time) -> int:
    if moment.utcoffset() not in {None, timedelta(0)}:
        raise ValueError(f"{moment}: only windows in UTC are expected")
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def _merged(rows: Iterable[PriceRow]) -> Iterator[PriceRow]:
    """Drops rows that only repeat the one before; dates with daily windows stay as they are."""
    previous: PriceRow | None = None
    for row in rows:
        same = (
            previous is not None and msgspec.structs.replace(row, since=previous.since) == previous
        )
        if not same or row.daily is not None:
            yield row
            previous = row


def _rates(price: genai.ModelPrice) -> tuple[Rates, tuple[Tier, ...]]:
    stored = _stored(price)
    starts = {
        tier.start
        for value in stored.values()
        if isinstance(value, genai.TieredPrices)
        for tier in value.tiers
    }
    tiers = tuple(
        Tier(start, _rates_above(stored, start)) for start in sorted(starts, reverse=True)
    )
    return _rates_above(stored, -1), tiers


def _rates_above(stored: dict[str, Decimal | genai.TieredPrices], start: int) -> Rates:
    """The rates of requests with more input tokens than ``start``, and not above the next tier."""
    rates: dict[str, int] = {}
    for bucket, keys in LATTICE.items():
        value = next((stored[key] for key in keys if key in stored), None)
        if isinstance(value, genai.TieredPrices):
            reached = [tier.price for tier in value.tiers if tier.start <= start]
            value = reached[-1] if reached else value.base
        if value is not None:
            thousands = 1000 if keys[0].endswith("_kcount") else 1
            rates[bucket] = _whole(value * NANO_PER_USD * thousands)
    return Rates(**rates)


def _cannot_say(model: genai.ModelInfo, price: genai.ModelPrice) -> str | None:
    """Why our rows cannot express a price, or None."""
    stored = _stored(price)
    keys = set().union(*LATTICE.values()) | set(STAND_INS) | set(GAPS) | UNCOUNTED | {REQUESTS}
    if unknown := stored.keys() - keys:
        raise ValueError(f"{model.id}: new kinds of prices {sorted(unknown)}: say what they mean")
    if not stored:
        free = model.id.endswith(":free") or model.id in FREE_IDS
        return None if free else "genai-prices knows no price"
    if uncounted := sorted(stored.keys() & UNCOUNTED):
        return f"billed by {', '.join(uncounted)}, which usage does not count"
    apart = [key for key, other in STAND_INS.items() if _differs(stored, key, other)]
    return f"{', '.join(apart)}: usage does not tell these tokens apart" if apart else None


def _gaps(price: genai.ModelPrice) -> set[str]:
    return {key for key, other in GAPS.items() if _differs(_stored(price), key, other)}


def _differs(stored: dict[str, Decimal | genai.TieredPrices], key: str, other: str | None) -> bool:
    return key in stored and (other is None or stored[key] != stored.get(other))


def _stored(price: genai.ModelPrice) -> dict[str, Decimal | genai.TieredPrices]:
    return {key: value for key, value in vars(price).items() if value is not None}


def _whole(value: Decimal) -> int:
    """The next integer: a few prices are the repeating decimals of a thousandth of a third."""
    return int(value.to_integral_value(rounding=ROUND_CEILING))


def main() -> None:
    """Write all files, and say which models have no price."""
    BUNDLED.mkdir(exist_ok=True)
    for provider, file in sorted(compiled().items()):
        body = encoded(file)
        (BUNDLED / f"{provider}.json").write_bytes(body)
        unpriced = [model.id for model in file.models if model.unpriced]
        print(f"{provider}: {len(file.models)} models, {len(body)} bytes, unpriced: {unpriced}")


if __name__ == "__main__":
    main()
