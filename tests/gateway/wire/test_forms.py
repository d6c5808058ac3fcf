import contextlib
from email.message import Message

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.errors import InvalidRequest
from trunkline.gateway.wire.forms import parts_of, text_of, with_text


def upload(fields: dict[str, str], file: bytes) -> tuple[bytes, bytes]:
    request = httpx2.Request(
        "POST", "http://127.0.0.1/", data=fields, files={"file": ("a.wav", file, "audio/wav")}
    )
    return request.read(), request.headers["content-type"].encode()


@given(st.binary(max_size=300), st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_a_field_is_found_and_replaced_and_the_file_stays_as_it_is(file: bytes, new: str) -> None:
    body, kind = upload({"model": "a-model", "language": "de"}, file)
    parts = parts_of(body, kind)
    assert [part.name for part in parts] == ["model", "language", "file"]
    assert text_of(body, parts, "model") == "a-model"
    assert text_of(body, parts, "absent") is None
    changed = with_text(body, parts, "model", new)
    again = parts_of(changed, kind)
    assert changed[again[0].start : again[0].end] == new.encode()
    assert changed[again[2].start : again[2].end] == file
    assert with_text(changed, again, "model", "a-model") == body


def test_a_preamble_and_an_empty_value_are_read() -> None:
    body = b'preamble\r\n--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n\r\n--b--\r\n'
    parts = parts_of(body, b"multipart/form-data; boundary=b")
    assert [(part.name, body[part.start : part.end]) for part in parts] == [("model", b"")]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"--b--", b"multipart/form-data"),
        (b"--b--", b"multipart/form-data; boundary=" + b"x" * 71),
        (b"nothing", b"multipart/form-data; boundary=b"),
        (b"--b\r\nno head", b"multipart/form-data; boundary=b"),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\ncut', b"x; boundary=b"),
        (b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--", b"x; boundary=b"),
        (b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n' * 1_001 + b"--b--",
         b"x; boundary=b"),
    ],
)  # fmt: skip
def test_what_is_no_upload_is_refused(body: bytes, kind: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parts_of(body, kind)
    assert refused.value.code == "invalid_form"


@given(st.binary(max_size=400), st.binary(max_size=80))
def test_no_bytes_raise_anything_but_the_own_error(body: bytes, kind: bytes) -> None:
    for content_type in (kind, b"multipart/form-data; boundary=b"):
        with contextlib.suppress(InvalidRequest):
            parts_of(body, content_type)


def test_the_standard_library_reads_what_we_wrote() -> None:
    body, kind = upload({"model": "a"}, b"RIFF")
    changed = with_text(body, parts_of(body, kind), "model", "gpt-4o-transcribe")
    header = Message()
    header["content-type"] = kind.decode()
    assert changed.count(header.get_param("boundary").encode()) == 3  # type: ignore[union-attr] # it is a string here
