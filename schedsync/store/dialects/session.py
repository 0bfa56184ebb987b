"""Who is connected to what, for a person who looks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

CREATE_TABLES = "create tables"
USE_TABLES = "read and write the tables"


@dataclass(frozen=True, slots=True)
class Session:
    """What a database says about itself and about a connection."""

    version: str
    """What the server is."""
    driver: str
    """What connects to it, and how."""
    user: str | None
    schema: str | None
    """Where names without an owner are looked up, and new tables made."""
    rights: Mapping[str, bool | None] = field(default_factory=dict)
    """What -> whether the user may; None: it cannot be known."""
    warnings: tuple[str, ...] = ()
    """What the database wants to be told, in our words."""
