"""What each fault does to a script: pure rewriting, one function per kind of harm."""

import zlib
from collections.abc import Callable, Mapping

import msgspec

from trunkline.simulator.fault_table import Fault
from trunkline.simulator.refusals import Refusal
from trunkline.simulator.script import Ending, Script, Step, body_script
from trunkline.simulator.wire import Breakage, Telling, Wire

_MEGABYTE = 1_000_000
_HTML = b"<!DOCTYPE html><html><body><h1>Please sign in to the network</h1></body></html>\n"
_JSON_TYPE = "application/json"

_replace = msgspec.structs.replace


class Scene(msgspec.Struct, frozen=True):
    """What a fault may need besides the script."""

    wire: Wire
    request_id: str
    fault: Fault
    telling: Telling | None = None


def refused_by(fault: Fault, wire: Wire) -> Refusal | None:
    """The provider's error that the fault stands for, or None when it lets the answer begin."""
    sample = wire.samples.get(fault.name)
    return sample.refusal(fault.params.get("retry_after", 0.0)) if sample else None


def rewrite(script: Script, scene: Scene) -> Script:
    """The script as it is under the scene's fault; a fault of no concern here changes nothing."""
    harm = _HARMS.get(scene.fault.name)
    return harm(script, scene) if harm else script


def _latency(script: Script, scene: Scene) -> Script:
    return _replace(script, delay=script.delay + scene.fault["seconds"])


def _slow_first_token(script: Script, scene: Scene) -> Script:
    first, *rest = script.steps
    slow = _replace(first, seconds=first.seconds + scene.fault["seconds"])
    return _replace(script, steps=(slow, *rest))


def _silence(script: Script, _: Scene) -> Script:
    return _replace(script, status=None, steps=(), ending=Ending.HANG, whole=False)


def _reset(script: Script, _: Scene) -> Script:
    return _replace(script, status=None, steps=(), ending=Ending.RESET, whole=False)


def _reset_after_head(script: Script, _: Scene) -> Script:
    # As a stream the head is sent at once, with the length that the body would have had.
    return _replace(
        script,
        steps=(),
        stream=True,
        missing_bytes=_bytes_of(script.steps),
        ending=Ending.RESET,
        whole=False,
    )


def _silence_in_stream(script: Script, scene: Scene) -> Script:
    return _replace(_begun(script, scene), ending=Ending.HANG)


def _cut_after_events(script: Script, scene: Scene) -> Script:
    return _replace(_begun(script, scene), ending=Ending.CLOSE)


def _cut_after_bytes(script: Script, scene: Scene) -> Script:
    kept, left = [], int(scene.fault["bytes"])
    for step in script.steps:
        if len(step.data) > left:
            kept.append(_part_of(step, left))
            return _replace(
                script,
                steps=tuple(kept),
                missing_bytes=_bytes_of(script.steps) - _bytes_of(kept),
                ending=Ending.CLOSE,
                whole=False,
            )
        kept.append(step)
        left -= len(step.data)
    return script


def _error_in_stream(script: Script, scene: Scene) -> Script:
    if not script.stream:
        return _error_body(script, scene)
    begun = _begun(script, scene)
    events = sum(bool(step.data) for step in begun.steps)
    errors = _error_steps(scene, events)
    return _replace(begun, steps=(*begun.steps, *errors), missing_bytes=0)


def _error_first(script: Script, scene: Scene) -> Script:
    if not script.stream:
        return _error_body(script, scene)
    first, *others = _error_steps(scene, 0)
    first = _replace(first, seconds=script.steps[0].seconds)
    return _replace(script, steps=(first, *others), whole=False)


def _missing_end(script: Script, _: Scene) -> Script:
    last = script.steps[-1]
    if script.stream:
        # An end may be more than one event; those that say it is over are left out together.
        kept = [*script.steps[:-1]]
        while kept and last.kind == kept[-1].kind == "end":
            kept.pop()
        return _replace(script, steps=tuple(kept), whole=False)
    shorter = last.data.rstrip()[:-1]
    broken = _replace(last, data=shorter, reports_usage=False)
    return _replace(script, steps=(*script.steps[:-1], broken), whole=False)


def _malformed_chunk(script: Script, scene: Scene) -> Script:
    if not script.stream:
        return _not_json(script, scene)
    before = _events(script.steps, int(scene.fault["after"]))
    hit = next((n for n in range(len(before), len(script.steps)) if script.steps[n].data), None)
    if hit is None:
        return script
    step = script.steps[hit]
    broken = _replace(step, data=scene.wire.broken(step.data), reports_usage=False)
    return _replace(
        script, steps=(*script.steps[:hit], broken, *script.steps[hit + 1 :]), whole=False
    )


def _bad_chunk_size(script: Script, scene: Scene) -> Script:
    begun = _begun(script, scene)
    nonsense = Step(b"zz-not-a-size\r\n", unframed=True)
    return _replace(
        begun,
        steps=(*begun.steps, nonsense),
        chunked=True,
        missing_bytes=0,
        ending=Ending.CLOSE,
    )


def _huge_chunk(script: Script, scene: Scene) -> Script:
    speaking = (n for n, step in enumerate(script.steps) if step.kind in {"content", "body"})
    hit = next(speaking, None)
    if hit is None:
        return script
    step = script.steps[hit]
    size = int(scene.fault["megabytes"] * _MEGABYTE)
    huge = _replace(step, data=scene.wire.padded(step.data, size))
    return _replace(script, steps=(*script.steps[:hit], huge, *script.steps[hit + 1 :]))


def _byte_by_byte(script: Script, scene: Scene) -> Script:
    return _replace(script, drip=scene.fault["seconds"])


def _wrong_content_type(script: Script, _: Scene) -> Script:
    return _replacement(script, "text/html; charset=utf-8", _HTML)


def _stale_keep_alive(script: Script, _: Scene) -> Script:
    return _replace(script, stale=True)


def _wrong_length(script: Script, scene: Scene) -> Script:
    missing = int(scene.fault["bytes"])
    return _replace(script, chunked=False, missing_bytes=missing, ending=Ending.CLOSE, whole=False)


def _not_json(script: Script, _: Scene) -> Script:
    if script.stream:
        return _replacement(script, _JSON_TYPE, b'{"id": "broken", "object": ')
    last = script.steps[-1]
    broken = _replace(last, data=last.data[: len(last.data) // 2], reports_usage=False)
    return _replace(script, steps=(*script.steps[:-1], broken), whole=False)


def _empty_body(script: Script, _: Scene) -> Script:
    steps = tuple(_replace(step, data=b"", reports_usage=False) for step in script.steps)
    silent = () if script.stream else steps
    return _replace(script, steps=silent, stream=False, chunked=False, missing_bytes=0, whole=False)


def _gzip(script: Script, _: Scene) -> Script:
    """One gzip stream over all steps, flushed after each, so that events still come alone."""
    packer = zlib.compressobj(wbits=31)
    steps = [
        _replace(step, data=packer.compress(step.data) + packer.flush(zlib.Z_SYNC_FLUSH))
        if step.data
        else step
        for step in script.steps
    ]
    last = steps[-1]
    steps[-1] = _replace(last, data=last.data + packer.flush())
    headers = (*script.headers, ("content-encoding", "gzip"))
    return _replace(script, headers=headers, steps=tuple(steps))


def _begun(script: Script, scene: Scene) -> Script:
    """The beginning of an answer: some events, or half of a body."""
    if script.stream:
        steps = _events(script.steps, int(scene.fault["after"]))
    else:
        last = script.steps[-1]
        steps = (*script.steps[:-1], _part_of(last, len(last.data) // 2))
    missing = _bytes_of(script.steps) - _bytes_of(steps)
    return _replace(script, steps=steps, missing_bytes=missing, whole=False)


def _events(steps: tuple[Step, ...], wanted: int) -> tuple[Step, ...]:
    """The steps up to and including so many that carry data."""
    seen = 0
    for position, step in enumerate(steps):
        if seen == wanted:
            return steps[:position]
        seen += bool(step.data)
    return steps


def _part_of(step: Step, length: int) -> Step:
    return _replace(step, data=step.data[:length], reports_usage=False)


def _bytes_of(steps: tuple[Step, ...] | list[Step]) -> int:
    return sum(len(step.data) for step in steps)


def _error_steps(scene: Scene, events: int) -> tuple[Step, ...]:
    refusal = scene.wire.samples["overloaded"].refusal(0)
    breakage = Breakage(refusal, scene.request_id, scene.telling, events)
    return tuple(Step(data, kind="end") for data in scene.wire.error_events(breakage))


def _error_body(script: Script, scene: Scene) -> Script:
    refusal = scene.wire.samples["overloaded"].refusal(0)
    return _replacement(script, _JSON_TYPE, scene.wire.error_body(refusal, scene.request_id))


def _replacement(script: Script, content_type: str, body: bytes) -> Script:
    """Another body in place of the answer; the model never came to speak."""
    others = tuple(header for header in script.headers if header[0] != "content-type")
    headers = (("content-type", content_type), *others)
    replaced = body_script(200, headers, body)
    return _replace(replaced, delay=script.delay, whole=False)


_HARMS: Mapping[str, Callable[[Script, Scene], Script]] = {
    "latency": _latency,
    "slow_first_token": _slow_first_token,
    "silence": _silence,
    "silence_in_stream": _silence_in_stream,
    "error_in_stream": _error_in_stream,
    "error_first": _error_first,
    "cut_after_bytes": _cut_after_bytes,
    "cut_after_events": _cut_after_events,
    "missing_end": _missing_end,
    "malformed_chunk": _malformed_chunk,
    "bad_chunk_size": _bad_chunk_size,
    "huge_chunk": _huge_chunk,
    "byte_by_byte": _byte_by_byte,
    "wrong_content_type": _wrong_content_type,
    "reset": _reset,
    "reset_after_head": _reset_after_head,
    "stale_keep_alive": _stale_keep_alive,
    "wrong_length": _wrong_length,
    "not_json": _not_json,
    "empty_body": _empty_body,
    "gzip": _gzip,
}
