"""The metadata of all tables, and the columns that they have in common.

Types are those that both engines have: text identifiers, integers for times and money, JSON only
for what no query filters on.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Integer, MetaData, String

ID_LENGTH = 36

# Names that a migration can refer to, the same on both engines.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING_CONVENTION)


def id_column(name: str = "id") -> Column[str]:
    """The primary key: a UUIDv7 in its 36-character text form."""
    return Column(name, String(ID_LENGTH), primary_key=True)


def org_column(*, nullable: bool = False, primary_key: bool = False) -> Column[str]:
    """The organisation that a row belongs to; row security hangs on this name."""
    return Column(
        "org_id",
        String(ID_LENGTH),
        ForeignKey("organisation.id"),
        nullable=nullable,
        primary_key=primary_key,
    )


def reference_column(
    name: str, target: str, *, nullable: bool = False, primary_key: bool = False
) -> Column[str]:
    """A foreign key to another table's identifier, such as ``team.id``."""
    return Column(
        name, String(ID_LENGTH), ForeignKey(target), nullable=nullable, primary_key=primary_key
    )


def timestamp_column(name: str, *, nullable: bool = False) -> Column[int]:
    """Unix time in milliseconds; by convention the name ends in ``_ms``."""
    return Column(name, BigInteger, nullable=nullable)


def nano_column(name: str, *, nullable: bool = False) -> Column[int]:
    """An amount of money in nano-dollars."""
    return Column(name, BigInteger, nullable=nullable)


def json_column(name: str, *, nullable: bool = False) -> Column[Any]:
    """Cold structured data that no query looks into."""
    return Column(name, JSON(none_as_null=True), nullable=nullable)


def sequence_type() -> BigInteger:
    """The type of a primary key that the database counts: SQLite counts only plain integers."""
    return BigInteger().with_variant(Integer(), "sqlite")
