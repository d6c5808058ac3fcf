"""Applying a configuration, for the commands, for the start of the front and for the demo."""

from pathlib import Path

from trunkline.cli.session import Session, open_session
from trunkline.configuration.apply import Applied, apply_configuration
from trunkline.configuration.loading import load_file, made_up
from trunkline.configuration.run import Parts
from trunkline.configuration.schema import ConfigurationFile
from trunkline.connections.secrets import Secrets
from trunkline.connections.service import ConnectionService
from trunkline.identity.pepper import load_pepper
from trunkline.settings import Settings, read_variable

AT_START = "Applied at the start of a front."


async def parts_of(session: Session) -> Parts:
    """What applying needs, of the installation of a session."""
    service = await ConnectionService.from_settings(session.settings, clock=session.clock)
    pepper = session.settings.key_pepper
    return Parts(
        session.database,
        service,
        load_pepper(
            None if pepper is None else pepper.get_secret_value(), session.settings.data_dir
        ),
        Secrets(read_variable),
        session.clock,
    )


async def apply_in(session: Session, content: ConfigurationFile, *, source: str) -> Applied:
    """Apply a configuration that the program made to the installation of a session."""
    loaded = made_up(content, source)
    return await apply_configuration(await parts_of(session), loaded, missing="connections")


async def apply_file(settings: Settings, path: Path) -> Applied:
    """Apply a file at the start of a front, before anything is served.

    A secret of a connection that is missing does not keep a front from starting: the others can
    still serve, and the log says which one cannot.
    """
    loaded = load_file(path)
    async with open_session(settings) as session:
        return await apply_configuration(
            await parts_of(session), loaded, missing="connections", note=AT_START
        )
