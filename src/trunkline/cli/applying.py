"""Applying a configuration, for the command, for the start of the front and for the demo."""

from pathlib import Path

from trunkline.cli.session import Session, open_session
from trunkline.configuration.apply import Applied, Parts, apply_configuration
from trunkline.configuration.loading import load_file
from trunkline.configuration.schema import ConfigurationFile
from trunkline.connections.secrets import Secrets
from trunkline.connections.service import ConnectionService
from trunkline.identity.pepper import load_pepper
from trunkline.settings import Settings, read_variable


async def apply_in(
    session: Session, content: ConfigurationFile, *, source: str, prune: bool = False
) -> Applied:
    """Apply a configuration to the installation of a session; see ``apply_configuration``."""
    service = await ConnectionService.from_settings(session.settings, clock=session.clock)
    pepper = session.settings.key_pepper
    parts = Parts(
        session.database,
        service,
        load_pepper(
            None if pepper is None else pepper.get_secret_value(), session.settings.data_dir
        ),
        Secrets(read_variable),
        session.clock,
    )
    return await apply_configuration(parts, content, source=source, prune=prune)


async def apply_file(settings: Settings, path: Path) -> Applied:
    """Apply a file at the start of a front, before anything is served."""
    content = load_file(path)
    async with open_session(settings) as session:
        return await apply_in(session, content, source=str(path))
