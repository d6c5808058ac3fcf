"""The analysing process: orders come in, one on a line; what was found goes out likewise.

It is run as a file by an interpreter that has Presidio, which need not be the one that has us; so
it imports nothing of ours. It ends with its input, and with it when its parent ends.
"""

import json
import logging
import os
import sys
from typing import Any

import spacy  # type: ignore[import-not-found] # it belongs to another interpreter
import tldextract  # type: ignore[import-not-found] # as above
from presidio_analyzer import (  # type: ignore[import-not-found] # as above
    AnalyzerEngine,
    RecognizerRegistry,
)
from presidio_analyzer.nlp_engine import (  # type: ignore[import-not-found] # as above
    SpacyNlpEngine,
)

# A large model of a language takes half a gigabyte.
MOST_ENGINES = 4


class CannotLook(Exception):
    """The task cannot be done here; the sentence says why, and has no text in it."""


class Engines:
    """The analysers by language and model. Its state is the last few that were used."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None], AnalyzerEngine] = {}

    def of(self, language: str, model: str | None) -> AnalyzerEngine:
        """The analyser, ready.

        Raises:
            CannotLook: there is no such language or model here.
        """
        name = language, model
        engine = self._known.pop(name, None) or _engine(language, model)
        self._known[name] = engine
        while len(self._known) > MOST_ENGINES:
            self._known.pop(next(iter(self._known)))
        return engine


def _engine(language: str, model: str | None) -> AnalyzerEngine:
    # Presidio would download a model that is not there; a gateway downloads nothing.
    if model is not None and not spacy.util.is_package(model):
        raise CannotLook(f"the spaCy model {model!r} is not installed")
    nlp = SpacyNlpEngine(models=[{"lang_code": language, "model_name": model or "blank"}])
    try:
        nlp.nlp = {language: spacy.load(model) if model else spacy.blank(language)}
    except (ImportError, OSError, ValueError):
        raise CannotLook(f"spaCy cannot load {model or language!r}") from None
    registry = RecognizerRegistry(supported_languages=[language])
    registry.load_predefined_recognizers(languages=[language], nlp_engine=nlp)
    return AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=[language])


def look(engines: Engines, task: dict[str, Any], texts: list[str]) -> list[Any]:
    """What stands in each text.

    Raises:
        CannotLook: it cannot be looked for, not even in vain.
    """
    language, entities = task["language"], task["entities"]
    engine = engines.of(language, task["model"])
    missing = set(entities) - set(engine.get_supported_entities(language))
    if missing:
        raise CannotLook(f"Presidio has nothing that finds {min(missing)} in {language!r}")
    found = []
    for text in texts:
        results = engine.analyze(
            text, language, entities=entities, score_threshold=task["threshold"]
        )
        found.append([(one.start, one.end, one.entity_type, one.score) for one in results])
    return found


def main() -> None:
    """Look until the end of the input."""
    # What libraries print or log must not end up between the answers, and texts in no log.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    logging.disable(logging.CRITICAL)
    # It would fetch the newest list of domains, and brings one along.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())
    engines = Engines()

    def tell(**said: Any) -> None:
        answers.write(json.dumps(said) + "\n")
        answers.flush()

    tell(number=0)
    for line in sys.stdin.buffer:
        order = json.loads(line)
        number = order["number"]
        try:
            tell(number=number, found=look(engines, order["task"], order["texts"]))
        except CannotLook as error:
            tell(number=number, failure=str(error))
        except Exception as error:  # noqa: BLE001 - One text must not end the looking at others.
            tell(number=number, failure=f"Presidio failed with {type(error).__name__}")


if __name__ == "__main__":
    main()
