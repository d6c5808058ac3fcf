"""The whole schema as the code declares it."""

import importlib
import pkgutil

from sqlalchemy import MetaData

from trunkline.storage import tables
from trunkline.storage.tables.base import metadata


def whole_schema() -> MetaData:
    """The metadata with the tables of every module of ``storage.tables``.

    Modules are found by listing the package, so that a new table is one file and nothing else.
    Only migrations and tests need it; everything else imports the tables that it uses.
    """
    for module in pkgutil.iter_modules(tables.__path__):
        importlib.import_module(f"{tables.__name__}.{module.name}")
    return metadata
