"""From a request to the script of its answer: where wire, model, cache and fault meet."""

import hashlib
from pathlib import Path

import msgspec

from trunkline.simulator.answer import Answer, compose
from trunkline.simulator.asked import Asked
from trunkline.simulator.billing import TokenUse
from trunkline.simulator.fault_table import Fault, parse_fault
from trunkline.simulator.faults import Scene, refused_by, rewrite
from trunkline.simulator.ledger import Tab
from trunkline.simulator.models import price_of
from trunkline.simulator.pace import beats, paced
from trunkline.simulator.prompt_cache import PromptCache
from trunkline.simulator.question import Question
from trunkline.simulator.reading import FAULT_MARK
from trunkline.simulator.refusals import Refusal
from trunkline.simulator.replay import replay_in, replay_script
from trunkline.simulator.routes import Count, Generate, LookUp, Perform
from trunkline.simulator.rules import FaultRules
from trunkline.simulator.script import Script, Step, body_script
from trunkline.simulator.wire import ChatWire, CountingWire, Telling, Wire, WorkWire

FAULT_HEADER = "x-simulator-fault"
REPLAY_HEADER = "x-simulator-replay"
SPLIT_HEADER = "x-simulator-split"

_JSON = ("content-type", "application/json")


class _Room(msgspec.Struct, frozen=True):
    """What stands around one attempt while its answer is decided."""

    asked: Asked
    tab: Tab
    key: str
    fault: Fault | None

    @property
    def with_usage(self) -> bool:
        return self.fault is None or self.fault.name != "no_usage"

    def scene(self, wire: Wire, telling: Telling | None = None) -> Scene | None:
        if self.fault is None:
            return None
        return Scene(wire, self.tab.seen.request_id, self.fault, telling)


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

    def answer(self, operation: Generate | Count | Perform, asked: Asked, tab: Tab) -> Script:
        """The answer to an attempt; the tab learns what it costs."""
        wire = operation.wire
        try:
            key = wire.credential(asked)
            replayed = self._replayed(wire, asked, tab)
            if replayed is not None:
                return replayed
            room = _Room(asked, tab, key, self._fault(wire, asked, tab))
            match operation:
                case Generate():
                    return self._generate(operation.wire, room)
                case Count():
                    return _count(operation.wire, room)
                case Perform():
                    return self._perform(operation.wire, room)
        except Refusal as refusal:
            return _error(wire, refusal, tab.seen.request_id)

    def look_up(self, operation: LookUp, asked: Asked, request_id: str) -> Script:
        """The answer to what is no attempt."""
        wire = operation.wire
        try:
            if operation.needs_key:
                wire.credential(asked)
            body = operation.answer(asked)
        except Refusal as refusal:
            return _error(wire, refusal, request_id)
        return body_script(200, (_JSON, *wire.headers(request_id, 0)), body)

    def _generate(self, wire: ChatWire, room: _Room) -> Script:
        seen = room.tab.seen
        question = wire.read(room.asked)
        seen.model, seen.stream = question.model.name, question.stream
        seen.tool_results = question.after_tools
        _raise_status(room.fault, wire)
        answer = compose(question, self._seed)
        use = self._use(wire, question, answer, room.key)
        room.tab.charge(price_of(question.model), use, question.service_tier)
        telling = Telling(question, answer, use, room.with_usage)
        wire.remember(telling)
        script = self._script(wire, telling, seen.request_id)
        return _harmed(script, room.scene(wire, telling))

    def _perform(self, wire: WorkWire, room: _Room) -> Script:
        seen = room.tab.seen
        work = wire.work(room.asked, self._seed, with_usage=room.with_usage)
        seen.model, seen.stream = work.model.name, work.stream
        _raise_status(room.fault, wire)
        room.tab.charge(price_of(work.model), work.use, "default")
        headers = wire.headers(seen.request_id, work.use.input_total)
        script = Script(
            200,
            (("content-type", work.content_type), *headers),
            paced(work.steps, work.model, work.digest, self._speed),
            stream=work.stream,
            chunked=work.stream or work.chunked,
        )
        return _harmed(script, room.scene(wire))

    def _use(self, wire: ChatWire, question: Question, answer: Answer, key: str) -> TokenUse:
        scope = hashlib.blake2b(f"{key} {question.model.name}".encode()).hexdigest()
        cached = wire.cached(self._cache, scope, question)
        return TokenUse(
            uncached=question.input_tokens - cached.read - cached.write_5m - cached.write_1h,
            cache_read=cached.read,
            cache_write_5m=cached.write_5m,
            cache_write_1h=cached.write_1h,
            output=answer.output_tokens,
            reasoning=answer.reasoning_tokens,
        )

    def _replayed(self, wire: Wire, asked: Asked, tab: Tab) -> Script | None:
        """The transcript that the request asks for, if it asks for one."""
        seen, headers = tab.seen, asked.headers
        seen.model = wire.named(asked)
        replay = replay_in(seen.model, headers.get(REPLAY_HEADER), headers.get(SPLIT_HEADER))
        if replay is None:
            return None
        seen.replay = replay.name
        script = replay_script(replay, self._transcripts)
        seen.stream = script.stream
        return script

    def _script(self, wire: ChatWire, telling: Telling, request_id: str) -> Script:
        question, answer = telling.question, telling.answer
        headers = wire.headers(request_id, question.input_tokens)
        if question.stream:
            kind = ("content-type", wire.stream_type(question))
            steps = self._paced(wire.events(telling), telling)
            return Script(200, (kind, *headers), steps, stream=True, chunked=True)
        working = self._paced(beats(answer.output_tokens // question.choices), telling)
        rest = answer.output_tokens - sum(step.tokens for step in working)
        body = Step(wire.body(telling), tokens=rest, kind="body", reports_usage=telling.with_usage)
        return Script(200, (_JSON, *headers), (*working, body), chunked=wire.chunked_bodies)

    def _paced(self, steps: list[Step], telling: Telling) -> tuple[Step, ...]:
        return paced(steps, telling.question.model, telling.answer.digest, self._speed)

    def _fault(self, wire: Wire, asked: Asked, tab: Tab) -> Fault | None:
        """The header decides, then the model's name, then the rules."""
        model, _, suffix = wire.named(asked).partition(FAULT_MARK)
        wanted = asked.headers.get(FAULT_HEADER) or suffix
        try:
            fault = parse_fault(wanted) if wanted else self._rules.take(model)
        except ValueError as error:
            raise Refusal(400, "invalid_request_error", f"Simulator: {error}.") from None
        tab.seen.fault = fault.name if fault else None
        return fault


def _count(wire: CountingWire, room: _Room) -> Script:
    seen = room.tab.seen
    question, body = wire.count(room.asked)
    seen.model = question.model.name
    _raise_status(room.fault, wire)
    seen.input_tokens = question.input_tokens
    headers = (_JSON, *wire.headers(seen.request_id, question.input_tokens))
    return _harmed(body_script(200, headers, body), room.scene(wire))


def _harmed(script: Script, scene: Scene | None) -> Script:
    return rewrite(script, scene) if scene else script


def _raise_status(fault: Fault | None, wire: Wire) -> None:
    refusal = refused_by(fault, wire) if fault else None
    if refusal is not None:
        raise refusal


def _error(wire: Wire, refusal: Refusal, request_id: str) -> Script:
    headers = (_JSON, *refusal.headers, *wire.headers(request_id, 0))
    return body_script(refusal.status, headers, wire.error_body(refusal, request_id))
