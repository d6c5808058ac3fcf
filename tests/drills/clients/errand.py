"""What a client is sent to do, and what it needs to know for that."""

import json
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
from tests.drills.clients.packages import Package


class Errand(msgspec.Struct, frozen=True):
    """One turn of one client with one model, and a second one with another provider's model.

    Attributes:
        home: the client's own home directory, empty.
        workspace: where it works, empty.
        base_url: Trunkline's address without a path.
        key: of Trunkline.
        model: as Trunkline publishes it.
        other_model: which goes on with the conversation.
        word: made up for this errand, and known only from what the client's tool finds.
        farewell: made up as well; what the other model is told to say.
    """

    home: Path
    workspace: Path
    base_url: str
    key: str
    model: str
    other_model: str
    word: str
    farewell: str

    def words(self, tool: str, arguments: Callable[[str], object]) -> str:
        """Leave two notes, and the user's words that have this tool called for each, at once.

        The simulated model does what marks demand. The first note tells it the words of its answer,
        so that these prove that the notes came back to it.

        Args:
            tool: the client's own, which reads a file.
            arguments: of a call, for the path of a file.
        """
        notes = self.workspace / "note.txt", self.workspace / "other.txt"
        for note, text in zip(
            notes, (f"[[say The word is {self.word}.]]", "Nothing."), strict=True
        ):
            note.write_text(f"{text}\n")
        return " ".join(f"[[call {tool} {json.dumps(arguments(str(note)))}]]" for note in notes)

    @property
    def last_words(self) -> str:
        """The user's words of the second turn."""
        return f"[[say Farewell, {self.farewell}.]]"


class Run(msgspec.Struct, frozen=True):
    """How the client is started.

    Attributes:
        arguments: behind the command.
        environment: beside what every client gets.
        first: arguments of runs that must come before, such as a sign-in.
        again: arguments of a run that goes on with the conversation, with the other model; none
            where the client cannot do so without a person.
    """

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = {}
    first: tuple[tuple[str, ...], ...] = ()
    again: tuple[str, ...] = ()


class Client(msgspec.Struct, frozen=True):
    """A coding tool that can be driven without a person.

    Attributes:
        title: how people write it.
        speaks: the wire by which it calls.
        prepare: writes the client's settings for an errand, and says how it is started.
        final_words: what the client says at its end, out of its standard output and errand.
        sends_results: whether results of tools travel as such. Aider has no tools in its
            requests; it applies what the model writes and sends back what its check printed.
        prefix: how the models are called that it asks for.
    """

    title: str
    package: Package
    speaks: str
    prepare: Callable[[Errand], Run]
    final_words: Callable[[str, Errand], str]
    sends_results: bool = True
    prefix: str = "coder"


def new_errand(directory: Path, base_url: str, key: str, model: str, other_model: str) -> Errand:
    """An errand with a home, a workspace and words of its own in this directory."""
    home, workspace = directory / "home", directory / "workspace"
    home.mkdir(parents=True)
    workspace.mkdir()
    words = (f"{place}-{secrets.token_hex(4)}" for place in ("harbour", "island"))
    return Errand(home, workspace, base_url, key, model, other_model, *words)
