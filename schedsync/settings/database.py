"""Every way to name a database: the store's own, and those that ``sql`` and ``plsql`` jobs use by name."""

import os
import re
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from schedsync.errors import SettingsError
from schedsync.settings.base import Group
from schedsync.specs.durations import Duration, PositiveDuration
from schedsync.store.address import Address, OracleClient, Storage

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_$#]*")
DEFAULT_URL = "sqlite:///schedsync.db"
_CREDENTIALS = re.compile(r"\s*[^\s(][^?]*@")
"""What Oracle's tools let one write before a connect string; no descriptor begins so."""
_SECRETS = frozenset({"url", "dsn", "password", "wallet_password", "secret"})


def is_secret(name: str) -> bool:
    """Whether the value of a field of this name may hold a password."""
    return name in _SECRETS


class ConnectionSettings(Group):
    """Where a database is, and how to get in."""

    url: str | None = Field(None, repr=False, description="A SQLAlchemy URL: sqlite:///, postgresql:// or oracle://.")
    dsn: str | None = Field(
        None, description="Oracle, in place of url: easy connect, a full descriptor, or an alias of tnsnames.ora."
    )
    user: str | None = Field(None, description="The user, when it is not in the URL.")
    password: SecretStr | None = Field(None, description="The password, when it is not in the URL.")
    password_file: Path | None = Field(None, description="A file that holds the password; read anew by each logon.")
    password_env: str | None = Field(None, description="A variable that holds the password.")
    config_dir: Path | None = Field(None, description="Oracle: the folder of tnsnames.ora.")
    wallet_dir: Path | None = Field(None, description="Oracle: the folder of the wallet, for mutual TLS.")
    wallet_password: SecretStr | None = Field(None, description="Oracle: the password of ewallet.pem.")
    wallet_password_file: Path | None = Field(None, description="A file that holds the wallet's password.")
    thick: bool = Field(default=False, description="Oracle: use Oracle's client libraries.")
    library_dir: Path | None = Field(None, description="Oracle: where those libraries are.")
    external_auth: bool = Field(default=False, description="Oracle: log in by wallet or operating system; needs thick.")
    connect_timeout: PositiveDuration = Field(timedelta(seconds=10), description="Within this a connection is made.")
    call_timeout: Duration = Field(
        timedelta(0),
        description="Oracle, PostgreSQL: within this a round trip is answered; 0s: the job's timeout decides.",
    )

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        if self.url is not None and self.dsn is not None:
            raise ValueError("give url or dsn, not both")
        if self.dsn is not None and _CREDENTIALS.match(self.dsn):
            raise ValueError('write user and password apart, as user and password_file; dsn is what follows the "@"')
        given = [n for n in ("password", "password_file", "password_env") if getattr(self, n) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of {', '.join(given)}, not {len(given)}")
        if self.wallet_password is not None and self.wallet_password_file is not None:
            raise ValueError("give one of wallet_password, wallet_password_file, not both")
        return self

    def address(self, name: str, **more: object) -> Address:
        """Return the address, with the passwords read from where they are.

        Args:
            name: of this group, for errors.
            more: further fields of the address.

        Raises:
            SettingsError: it says of no database where it is, or a file or variable that is to hold a password cannot
                be read.
        """
        fields: dict[str, object] = {
            "url": self.url,
            "dsn": self.dsn,
            "user": self.user,
            "password": self._password(name),
            "read_password": None if self.password_file is None else partial(self._password, name),
            "connect_timeout": self.connect_timeout,
            "call_timeout": self.call_timeout,
            "oracle": self._client(name),
            **more,
        }
        if fields["url"] is None and fields["dsn"] is None:
            raise SettingsError(f"{name}: give url, or dsn for Oracle")
        return Address(**fields)  # type: ignore[arg-type] # each field is of its own type

    def _client(self, name: str) -> OracleClient:
        return OracleClient(
            config_dir=None if self.config_dir is None else str(self.config_dir),
            wallet_dir=None if self.wallet_dir is None else str(self.wallet_dir),
            wallet_password=read_secret(self.wallet_password, self.wallet_password_file, f"{name}.wallet_password"),
            thick=self.thick,
            library_dir=None if self.library_dir is None else str(self.library_dir),
            external_auth=self.external_auth,
        )

    def _password(self, name: str) -> str | None:
        return read_secret(self.password, self.password_file, f"{name}.password", self.password_env)


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("expected a name of letters, digits and _, $ or #, as SQL writes it without quotes")
    return name


Name = Annotated[str, AfterValidator(_check_name)]
"""A name in a database. It becomes part of statements."""


class DatabaseSettings(ConnectionSettings):
    """Where state is kept."""

    schema_: Name | None = Field(
        None, alias="schema", description="The owner of the tables, when that is not the user (Oracle, PostgreSQL)."
    )
    call_timeout: Duration = Field(
        timedelta(seconds=20), description="Oracle: within this a round trip is answered; 0s: without bound."
    )
    pool_size: Annotated[int, Field(ge=2)] = Field(10, description="Connections that are kept open at most.")
    table_tablespace: Name | None = Field(None, description="Oracle: where new tables are put.")
    index_tablespace: Name | None = Field(None, description="Oracle: where new indexes are put.")
    lob_tablespace: Name | None = Field(None, description="Oracle: where specs and outputs are put.")

    @property
    def place(self) -> Address:
        """The address of the store as far as statements are concerned: no password is read, nobody can connect."""
        return Address(
            url=self.url_in_force,
            dsn=self.dsn,
            schema=self.schema_,
            storage=Storage(self.table_tablespace, self.index_tablespace, self.lob_tablespace),
        )

    @property
    def url_in_force(self) -> str | None:
        """The URL, or that of the embedded default; None where a connect string is given in its place."""
        return self.url or (None if self.dsn is not None else DEFAULT_URL)

    def store_address(self, node: str) -> Address:
        """Return the address of the store, as this instance uses it.

        Raises:
            SettingsError: a password cannot be read.
        """
        return self.address(
            "database",
            url=self.url_in_force,
            schema=self.schema_,
            client_name=node,
            pool_size=self.pool_size,
            storage=self.place.storage,
        )


def read_secret(value: SecretStr | None, file: Path | None, name: str, variable: str | None = None) -> str | None:
    """Return a secret from where it is, if it is given at all.

    Args:
        value: itself.
        file: what holds it.
        name: of its setting, e.g. ``database.password``, for errors.
        variable: what holds it.

    Raises:
        SettingsError: the file cannot be read, or the variable is not set.
    """
    if variable is not None:
        try:
            return os.environ[variable]
        except KeyError:
            raise SettingsError(f"{name}_env: the variable {variable} is not set") from None
    if file is None:
        return None if value is None else value.get_secret_value()
    try:
        return file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingsError(f"{name}_file: {file} cannot be read: {cause}") from None
