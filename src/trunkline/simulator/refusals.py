"""The errors that the fake providers answer with, before a wire gives them a shape."""

import msgspec


class Refusal(Exception):
    """A request that gets an error status.

    Attributes:
        status: HTTP status.
        kind: the ``type`` of the error, in the words of the provider asked.
        message: its sentence.
        code: OpenAI's ``code`` or Anthropic's ``details.error_code``, or None.
        param: the field that is wrong, or None.
        headers: what is sent besides the ordinary headers.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.code = code
        self.param = param
        self.headers = headers


class Sample(msgspec.Struct, frozen=True):
    """What a provider says with one status when a fault asks for it."""

    status: int
    kind: str
    message: str
    code: str | None = None
    retry_after: bool = False

    def refusal(self, retry_after: float) -> Refusal:
        """The error itself; ``retry_after`` is in seconds and only sent where it is meant."""
        headers: tuple[tuple[str, str], ...] = ()
        if self.retry_after:
            headers = (("retry-after", f"{retry_after:g}"),)
        return Refusal(self.status, self.kind, self.message, code=self.code, headers=headers)
