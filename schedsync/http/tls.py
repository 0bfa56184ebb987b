"""Certificates: whom to trust, and who this side is."""

import ssl
from pathlib import Path
from typing import NoReturn

from schedsync.http.failing import FailedError
from schedsync.http.request import Tls


def context_of(tls: Tls) -> ssl.SSLContext:
    """Return what connections are made with.

    Raises:
        FailedError: a file cannot be used; the message names it.
    """
    context = _trusting(tls.ca)
    context.set_alpn_protocols(["http/1.1"])
    # Python 3.13 began to refuse CAs without identifiers of their keys, as many of companies are; curl takes them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert is not None:
        _show(context, tls.cert, tls.key)
    return context


def _trusting(ca: str | None) -> ssl.SSLContext:
    if ca is not None:
        _check_readable("ca", ca)
    try:
        return ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise FailedError(f"tls.ca: {ca} holds no certificate in PEM (-----BEGIN CERTIFICATE-----)") from None


def _show(context: ssl.SSLContext, cert: str, key: str | None) -> None:
    for name, path in (("cert", cert), ("key", key)):
        if path is not None:
            _check_readable(name, path)
    try:
        context.load_cert_chain(cert, key, password=lambda: _refuse_passphrase(key or cert))
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise FailedError(f"tls.key: {key or cert} is not the key of {cert}") from None
        files = f"{cert} does not hold" if key is None else f"{cert} and {key} do not hold"
        raise FailedError(f"tls.cert: {files} a certificate and its key in PEM") from None


def _refuse_passphrase(key: str) -> NoReturn:
    raise FailedError(f"tls.key: {key} wants a passphrase; save it without, readable by the service alone")


def _check_readable(name: str, path: str) -> None:
    try:
        Path(path).open("rb").close()
    except OSError as error:
        raise FailedError(f"tls.{name}: cannot read {path}: {error.strerror}") from None
