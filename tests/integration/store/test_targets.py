"""From the settings of a connection to what a driver is told."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schedsync.errors import SettingsError
from schedsync.store.address import Address, OracleClient
from schedsync.store.targets import target_of


@pytest.mark.parametrize(
    ("address", "database", "arguments"),
    [
        pytest.param(
            Address(url="sqlite:////var/lib/audit.db"),
            "sqlite",
            {"database": "/var/lib/audit.db", "timeout": 30},
            id="a file",
        ),
        pytest.param(
            Address(url="sqlite:////var/lib/audit.db?timeout=2"),
            "sqlite",
            {"database": "/var/lib/audit.db", "timeout": 2.0},
            id="a file, with its own patience",
        ),
        pytest.param(
            Address(url="postgresql://me:s3cret@db:5433/audit?sslmode=require", connect_timeout=timedelta(seconds=4)),
            "postgresql",
            {
                "host": "db",
                "port": 5433,
                "dbname": "audit",
                "user": "me",
                "password": "s3cret",
                "sslmode": "require",
                "connect_timeout": 4,
            },
            id="PostgreSQL",
        ),
        pytest.param(
            Address(url="postgresql://db/audit?connect_timeout=7", user="me", password="s3cret"),
            "postgresql",
            {"host": "db", "user": "me", "password": "s3cret", "connect_timeout": "7"},
            id="PostgreSQL, what the URL says itself",
        ),
        pytest.param(
            Address(url="oracle://scott:tiger@db:1522/?service_name=ERP", connect_timeout=timedelta(seconds=6)),
            "oracle",
            {"user": "scott", "password": "tiger", "tcp_connect_timeout": 2.0, "program": "schedsync"},
            id="Oracle by URL",
        ),
        pytest.param(
            Address(
                dsn="erp_high", user="scott", password="tiger", oracle=OracleClient(config_dir="/tns", wallet_dir="/w")
            ),
            "oracle",
            {"dsn": "erp_high", "user": "scott", "password": "tiger", "config_dir": "/tns", "wallet_location": "/w"},
            id="Oracle by alias and wallet",
        ),
    ],
)
def test_a_driver_is_told_what_the_settings_say(
    address: Address, database: str, arguments: dict[str, Any], tmp_path: Path
) -> None:
    if address.oracle.wallet_dir is not None:  # a folder with a wallet, as the settings want it
        (tmp_path / "ewallet.pem").touch()
        address = replace(address, oracle=replace(address.oracle, wallet_dir=str(tmp_path)))
        arguments = arguments | {"wallet_location": str(tmp_path)}
    target = target_of("connections.erp", address)
    assert target.database == database
    assert {name: target.arguments.get(name) for name in arguments} == arguments
    assert "s3cret" not in repr(target)


def test_an_oracle_url_becomes_a_descriptor() -> None:
    dsn = target_of("connections.erp", Address(url="oracle://scott:tiger@db:1522/?service_name=ERP")).arguments["dsn"]
    assert all(part in dsn for part in ("HOST=db", "PORT=1522", "SERVICE_NAME=ERP"))


def test_client_libraries_are_initialised_as_the_settings_say() -> None:
    thick = OracleClient(thick=True, library_dir="/opt/client", config_dir="/tns", external_auth=True)
    target = target_of("connections.erp", Address(dsn="erp", oracle=thick, call_timeout=timedelta(seconds=5)))
    assert target.client_libraries == {"lib_dir": "/opt/client", "config_dir": "/tns"}
    assert (target.call_seconds, target.arguments["externalauth"]) == (5, True)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (Address(), "connections.erp: give url, or dsn for Oracle"),
        (Address(url="erp.db"), "connections.erp: url is not a database URL; write e.g."),
        (Address(url="postgresql://me:s3cret@host:port/x"), "connections.erp: url is not a database URL; write e.g."),
        (Address(url="mysql://me:s3cret@host/x"), 'connections.erp: database "mysql" is not supported'),
        (Address(url="oracle://me:s3cret@h/sid?service_name=x"), "connections.erp.url is not a database URL"),
        (Address(dsn="erp", oracle=OracleClient(external_auth=True)), "connections.erp: external_auth needs Oracle's"),
    ],
)
def test_what_cannot_be_used_is_refused_without_telling_the_password(address: Address, words: str) -> None:
    with pytest.raises(SettingsError) as raised:
        target_of("connections.erp", address)
    assert str(raised.value).startswith(words)
    assert "s3cret" not in str(raised.value)
