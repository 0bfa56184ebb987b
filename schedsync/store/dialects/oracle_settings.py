"""What Oracle's driver wants to be given, checked before it is asked: its own words for these come late, or never."""

import os
from pathlib import Path

from schedsync.errors import SettingsError
from schedsync.store.address import Address, OracleClient

SYSTEM_STORE = "SYSTEM"
"""In place of a wallet: the certificates of the operating system."""


def check(address: Address, user: str | None, password: str | None) -> None:
    """Check that what is needed to log on is there.

    Args:
        address: where to.
        user: who; None when neither the URL nor the settings say.
        password: likewise.

    Raises:
        SettingsError: something is missing, or two things contradict each other.
    """
    client = address.oracle
    if client.external_auth and not client.thick:
        raise SettingsError(
            "external_auth needs Oracle's client libraries; set thick = true beside it, or give user and password"
        )
    if not client.external_auth and not (user and password):
        missing = "password" if user else "user" if password else "user and no password"
        raise SettingsError(
            f"no {missing} is given for Oracle; set user and password_file (or password, or password_env),"
            " or external_auth = true with thick = true"
        )
    _check_wallet(client)


def _check_wallet(client: OracleClient) -> None:
    """The driver in thin mode would connect without a word, in clear, when the wallet is not there."""
    if client.wallet_dir is None or client.wallet_dir == SYSTEM_STORE:
        return
    folder, names = Path(client.wallet_dir), ("cwallet.sso", "ewallet.p12") if client.thick else ("ewallet.pem",)
    if not folder.is_dir():
        raise SettingsError(f"wallet_dir: {folder} is not a folder; name the one that the wallet was unpacked to")
    files = [folder / name for name in names]
    if not any(os.access(file, os.R_OK) for file in files):
        raise SettingsError(
            f"wallet_dir: {folder} has no {' or '.join(names)} that this user can read;"
            " unpack the wallet there, and give the right to read it"
        )
