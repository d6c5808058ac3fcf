"""Fields of a LiteLLM file, each taken once, so that none is forgotten silently."""

from collections.abc import Mapping
from typing import Any

from trunkline.configuration.litellm.report import Report

REFERENCE = "os.environ/"


class Fields:
    """A mapping of the file and where it stands. Its state is which fields were taken.

    A value of another form than is wanted counts as absent, and the report says so.
    """

    def __init__(self, values: object, path: str, report: Report) -> None:
        self._path = path
        self._report = report
        self._values: Mapping[str, Any] = {}
        self._taken: set[str] = set()
        if isinstance(values, Mapping):
            self._values = {str(name): value for name, value in values.items()}
        elif values is not None:
            report.left_out(path, "is no mapping")

    def at(self, name: str) -> str:
        """The path of a field."""
        return f"{self._path}.{name}" if self._path else name

    def take(self, name: str) -> Any:
        """A value as it is; None where there is none."""
        self._taken.add(name)
        return self._values.get(name)

    def text(self, name: str) -> str | None:
        """A text that is not empty."""
        return self._of_form(name, self.take(name), str) or None

    def number(self, name: str) -> float | None:
        """A number that is not negative; LiteLLM takes it as text as well."""
        value = self.take(name)
        if isinstance(value, str):
            try:
                value = float(value)
            except ValueError:
                reason = "stands in the environment, which an import does not read"
                known = REFERENCE in value
                self._report.left_out(self.at(name), reason if known else "is no number")
                return None
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return int(value) if value == int(value) else value
        if value is not None:
            self._report.left_out(self.at(name), "is no number")
        return None

    def flag(self, name: str) -> bool | None:
        """Yes, no, or nothing said."""
        value: bool | None = self._of_form(name, self.take(name), bool)
        return value

    def items(self, name: str) -> list[Any]:
        """A list; an empty one where there is none."""
        return self._of_form(name, self.take(name), list) or []

    def fields(self, name: str) -> "Fields":
        """A mapping inside this one; an empty one where there is none."""
        return Fields(self.take(name), self.at(name), self._report)

    def has(self, name: str) -> bool:
        """Whether the field is there and has a value. It is not taken by this."""
        return self._values.get(name) is not None

    def was_taken(self, name: str) -> bool:
        """Whether something has read the field already."""
        return name in self._taken

    def names(self) -> list[str]:
        """The fields that are there."""
        return list(self._values)

    def rest(self, message: str) -> None:
        """Report all fields that nothing took."""
        for name, value in self._values.items():
            if name not in self._taken and value is not None:
                self._taken.add(name)
                self._report.left_out(self.at(name), message)

    def _of_form(self, name: str, value: Any, form: type) -> Any:
        if value is None or isinstance(value, form):
            return value
        self._report.left_out(self.at(name), f"is no {_WORDS[form]}")
        return None


_WORDS = {str: "text", bool: "true or false", list: "list"}
