"""What a client is sent to do, and what it needs to know for that."""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from tests.drills.clients.packages import Package


class Errand(msgspec.Struct, frozen=True):
    """One turn of one client with one model.

    Attributes:
        home: the client's own home directory, empty.
        workspace: where it works, empty.
        base_url: Trunkline's address without a path.
        key: of Trunkline.
        model: as Trunkline publishes it.
        word: made up for this errand, and known only from what the client's tool finds.
    """

    home: Path
    workspace: Path
    base_url: str
    key: str
    model: str
    word: str

    @property
    def note(self) -> Path:
        """The file that holds the word, which the model asks the client to read."""
        return self.workspace / "note.txt"

    def leave_note(self) -> None:
        """Write the note: the simulated model says what the newest mark tells it to."""
        self.note.write_text(f"[[say The word is {self.word}.]]\n")


class Run(msgspec.Struct, frozen=True):
    """How the client is started.

    Attributes:
        arguments: behind the command.
        environment: beside what every client gets.
        first: arguments of runs that must come before, such as a sign-in.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = {}
    first: tuple[tuple[str, ...], ...] = ()


class Client(msgspec.Struct, frozen=True):
    """A coding tool that can be driven without a person.

    Attributes:
        title: how people write it.
        speaks: the wire by which it calls.
        prepare: writes the client's settings for an errand, and says how it is started.
        final_words: what the client says at its end, out of its standard output and errand.
        sends_results: whether results of tools travel as such. Aider has no tools in its
            requests; it applies what the model writes and sends back what its check printed.
    """

    title: str
    package: Package
    speaks: str
    prepare: Callable[[Errand], Run]
    final_words: Callable[[str, Errand], str]
    sends_results: bool = True


def new_errand(directory: Path, base_url: str, key: str, model: str) -> Errand:
    """An errand with a home, a workspace and a word of its own in this directory."""
    home, workspace = directory / "home", directory / "workspace"
    home.mkdir(parents=True)
    workspace.mkdir()
    return Errand(home, workspace, base_url, key, model, f"harbour-{secrets.token_hex(4)}")
