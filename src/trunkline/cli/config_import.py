"""``trunkline config import-litellm``: a LiteLLM configuration as one of ours."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from trunkline.cli.config_options import Org
from trunkline.cli.output import AsJson, print_json
from trunkline.configuration.litellm.importing import import_litellm as translate
from trunkline.configuration.litellm.report import Finding
from trunkline.configuration.loading import parse, read_bytes, read_tree
from trunkline.configuration.writing import yaml_of
from trunkline.errors import InvalidRequest

_FATES = {"translated": "Translated", "approximated": "Approximated", "left out": "Left out"}
_COLOURS = {"translated": "green", "approximated": "yellow", "left out": "red"}


def import_litellm(
    file: Annotated[Path, typer.Argument(help="LiteLLM's config.yaml.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="New file for the result.")
    ] = None,
    org: Org = None,
    as_json: AsJson = False,
) -> None:
    """Translate a LiteLLM configuration, and tell what became of each of its fields.

    The result is printed, or written to a new file; nothing is applied. Without --org everything
    is shared with all organisations. Keys that stand in the file are not taken over.
    """
    imported = translate(read_tree(read_bytes(file), str(file)), org)
    text = yaml_of(imported.document)
    # What cannot be applied must not be handed out as if it could.
    parse(text.encode(), "the translation")
    if output is not None:
        _write(output, text)
    if as_json:
        print_json({
            "document": imported.document,
            "findings": [msgspec.structs.asdict(finding) for finding in imported.findings],
        })  # fmt: skip
        return
    if output is None:
        typer.echo(text, nl=False)
    _tell(imported.findings, str(file))


def _write(output: Path, text: str) -> None:
    try:
        with output.open("x", encoding="utf-8") as target:
            target.write(text)
    except OSError as error:
        raise InvalidRequest(
            f"The file {output} cannot be written: {error.strerror}.",
            code="output_not_written",
            hint="Name a file that is not there yet, in a directory that is.",
            param="output",
        ) from None


def _tell(findings: tuple[Finding, ...], source: str) -> None:
    """The report goes to standard error, so that the document can go into a pipe."""
    for fate, heading in _FATES.items():
        those = [finding for finding in findings if finding.fate == fate]
        if those:
            typer.secho(f"{heading} ({len(those)}):", fg=_COLOURS[fate], bold=True, err=True)
        for finding in those:
            place = "" if finding.line is None else f"{source}:{finding.line}: "
            typer.echo(f"  {place}{finding.path}: {finding.message}", err=True)
