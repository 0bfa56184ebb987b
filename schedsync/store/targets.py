"""From the address of a connection to what the driver is told: for processes that have no SQLAlchemy."""

from sqlalchemy.exc import SQLAlchemyError

from schedsync.errors import SettingsError
from schedsync.sql.request import Target
from schedsync.store.address import Address
from schedsync.store.dialects import URL_EXAMPLES, dialect_of


def target_of(name: str, address: Address) -> Target:
    """Return how a driver reaches *address*; nothing is connected.

    Args:
        name: of the connection, e.g. ``connections.erp``, for errors.
        address: what its settings say.

    Raises:
        SettingsError: they cannot be used, or the driver is not installed.
    """
    if address.url is None and address.dsn is None:
        raise SettingsError(f"{name}: give url, or dsn for Oracle")
    try:
        dialect = dialect_of(address)
        return dialect.target(address)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from None
    except ImportError as error:
        hint = f"install it with `pip install {dialect.package}`"
        raise SettingsError(f"{name}: the driver for {dialect.name} is missing ({error}); {hint}") from None
    except (SQLAlchemyError, ValueError):  # not shown: what is no URL may hold a password all the same
        raise SettingsError(f"{name}.url is not a database URL; {URL_EXAMPLES}") from None
