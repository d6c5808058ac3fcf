"""From a request to the script of its answer: where wire, model, cache and fault meet."""

import hashlib
from pathlib import Path

import msgspec

from trunkline.simulator.answer import compose
from trunkline.simulator.anthropic_request import read_messages
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.connection import Incoming
from trunkline.simulator.fault_table import Fault, parse_fault
from trunkline.simulator.faults import Scene, refused_by, rewrite
from trunkline.simulator.ledger import Tab
from trunkline.simulator.models import SimModel, price_of
from trunkline.simulator.pace import beats, paced
from trunkline.simulator.prompt_cache import PromptCache
from trunkline.simulator.reading import FAULT_MARK
from trunkline.simulator.refusals import Refusal
from trunkline.simulator.replay import replay_in, replay_script
from trunkline.simulator.rules import FaultRules
from trunkline.simulator.script import Script, Step, body_script
from trunkline.simulator.wire import Telling, Wire

FAULT_HEADER = "x-simulator-fault"
REPLAY_HEADER = "x-simulator-replay"
SPLIT_HEADER = "x-simulator-split"

_JSON = ("content-type", "application/json")
_EVENTS = ("content-type", "text/event-stream; charset=utf-8")


class _Named(msgspec.Struct):
    model: str = ""


class Provider:
    """Decides what each request gets; sends nothing itself.

    Its state is the prompt cache; the rules belong to the simulator, which changes them.
    """

    def __init__(
        self,
        *,
        seed: int,
        speed: float,
        cache: PromptCache,
        rules: FaultRules,
        transcripts: Path | None,
    ) -> None:
        self._seed = seed
        self._speed = speed
        self._cache = cache
        self._rules = rules
        self._transcripts = transcripts

    def generate(self, wire: Wire, incoming: Incoming, tab: Tab) -> Script:
        """The answer to a request that makes a model speak; the tab learns what it costs."""
        try:
            return self._generate(wire, incoming, tab)
        except Refusal as refusal:
            return _error(wire, refusal, tab.seen.request_id)

    def count(self, wire: Wire, incoming: Incoming, tab: Tab) -> Script:
        """The answer to a count of tokens, which is free."""
        try:
            wire.credential(incoming.headers)
            replayed = self._replayed(incoming, tab)
            if replayed is not None:
                return replayed
            fault = self._fault(incoming, tab)
            question = read_messages(incoming.body, counting=True)
            tab.seen.model = question.model.name
            _raise_status(fault, wire)
        except Refusal as refusal:
            return _error(wire, refusal, tab.seen.request_id)
        tab.seen.input_tokens = question.input_tokens
        body = msgspec.json.encode({"input_tokens": question.input_tokens})
        headers = (_JSON, *wire.headers(tab.seen.request_id, question))
        script = body_script(200, headers, body)
        return rewrite(script, Scene(wire, tab.seen.request_id, fault)) if fault else script

    def _generate(self, wire: Wire, incoming: Incoming, tab: Tab) -> Script:
        seen = tab.seen
        key = wire.credential(incoming.headers)
        replayed = self._replayed(incoming, tab)
        if replayed is not None:
            return replayed
        fault = self._fault(incoming, tab)
        question = wire.read(incoming.body)
        seen.model, seen.stream = question.model.name, question.stream
        _raise_status(fault, wire)
        answer = compose(question, self._seed)
        scope = hashlib.blake2b(f"{key} {question.model.name}".encode()).hexdigest()
        cached = wire.cached(self._cache, scope, question)
        use = TokenUse(
            uncached=question.input_tokens - cached.read - cached.write_5m - cached.write_1h,
            cache_read=cached.read,
            cache_write_5m=cached.write_5m,
            cache_write_1h=cached.write_1h,
            output=answer.output_tokens,
            reasoning=answer.reasoning_tokens,
        )
        tab.charge(price_of(question.model), use, question.service_tier)
        with_usage = fault is None or fault.name != "no_usage"
        telling = Telling(question, answer, use, with_usage)
        script = self._script(wire, telling, seen.request_id)
        return rewrite(script, Scene(wire, seen.request_id, fault)) if fault else script

    def _replayed(self, incoming: Incoming, tab: Tab) -> Script | None:
        """The transcript that the request asks for, if it asks for one."""
        seen, headers = tab.seen, incoming.headers
        seen.model = _model_of(incoming.body)
        replay = replay_in(seen.model, headers.get(REPLAY_HEADER), headers.get(SPLIT_HEADER))
        if replay is None:
            return None
        seen.replay = replay.name
        script = replay_script(replay, self._transcripts)
        seen.stream = script.stream
        return script

    def _script(self, wire: Wire, telling: Telling, request_id: str) -> Script:
        question, answer = telling.question, telling.answer
        headers = wire.headers(request_id, question)
        if question.stream:
            steps = self._paced(wire.events(telling), question.model, telling)
            return Script(200, (_EVENTS, *headers), steps, stream=True, chunked=True)
        working = self._paced(
            beats(answer.output_tokens // question.choices), question.model, telling
        )
        rest = answer.output_tokens - sum(step.tokens for step in working)
        body = Step(wire.body(telling), tokens=rest, kind="body", reports_usage=telling.with_usage)
        return Script(200, (_JSON, *headers), (*working, body), chunked=wire.chunked_bodies)

    def _paced(self, steps: list[Step], model: SimModel, telling: Telling) -> tuple[Step, ...]:
        return paced(steps, model, telling.answer, self._speed)

    def _fault(self, incoming: Incoming, tab: Tab) -> Fault | None:
        """The header decides, then the model's name, then the rules."""
        model, _, suffix = _model_of(incoming.body).partition(FAULT_MARK)
        wanted = incoming.headers.get(FAULT_HEADER) or suffix
        try:
            fault = parse_fault(wanted) if wanted else self._rules.take(model)
        except ValueError as error:
            raise Refusal(400, "invalid_request_error", f"Simulator: {error}.") from None
        tab.seen.fault = fault.name if fault else None
        return fault


def _raise_status(fault: Fault | None, wire: Wire) -> None:
    refusal = refused_by(fault, wire) if fault else None
    if refusal is not None:
        raise refusal


def _error(wire: Wire, refusal: Refusal, request_id: str) -> Script:
    headers = (_JSON, *refusal.headers, *wire.headers(request_id, None))
    return body_script(refusal.status, headers, wire.error_body(refusal, request_id))


def _model_of(body: bytes) -> str:
    """The model's name, or nothing where the body is not to be understood."""
    try:
        return msgspec.json.decode(body, type=_Named).model
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
