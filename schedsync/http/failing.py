"""What can go wrong between two machines, in words: where, what, and what to do."""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import BadStatusLine, HTTPException, IncompleteRead, RemoteDisconnected

from schedsync.http.interrupts import EndedError

_UNTRUSTED = frozenset({2, 18, 19, 20, 21, 27})
"""OpenSSL's numbers (X509_V_ERR_...) of a certificate whose chain does not end at a CA that is trusted."""
_EXPIRED, _OTHER_NAME = 10, frozenset({62, 64})
_CLIENT_CERTIFICATE = re.compile(
    "CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_(UNKNOWN|EXPIRED|REVOKED)"
)
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})

_SENTENCES: tuple[tuple[type[Exception], str], ...] = (
    (socket.gaierror, "cannot find {host}: {why}; is the host spelled right, and known to the DNS of this machine?"),
    (TimeoutError, "{where} did not answer within {seconds:g} s while it {doing}; does a firewall stand in between?"),
    (ConnectionRefusedError, "cannot connect to {where}: connection refused; does the service listen there?"),
    (RemoteDisconnected, "{where} closed the connection without an answer"),
    (BadStatusLine, "the answer of {where} is no HTTP; does it speak https there?"),
    (IncompleteRead, "the answer of {where} broke off in the middle"),
    (HTTPException, "the answer of {where} is no valid HTTP: {why}"),
    (Exception, "the connection to {where} failed while it {doing}: {why}"),
)
"""What to say about each kind of error; the first that fits."""


class FailedError(Exception):
    """The run has failed; the text says why, to the job's author."""


@contextmanager
def told(doing: str, where: str, seconds: float, through: str | None = None) -> Iterator[None]:
    """Turn what fails inside into words.

    Args:
        doing: what is done inside, as it follows "while it".
        where: host and port of the other side.
        seconds: how long the other side may be silent.
        through: what is connected to in its place, if anything is.

    Raises:
        FailedError: it failed, or was ended from outside.
    """
    try:
        yield
    except EndedError as end:
        raise FailedError(f"{end} while it {doing}") from None
    except ssl.SSLError as error:
        raise FailedError(_about_tls(error, where)) from None
    except (OSError, HTTPException, ValueError) as error:
        raise FailedError(_about_connection(error, doing, through or where, seconds)) from None


def _about_tls(error: ssl.SSLError, where: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: {_about_certificate(error.verify_code, error.verify_message, where)}"
    reason = error.reason or str(error)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return f"TLS: {where} closed the connection; does it speak https, or want a client certificate (tls.cert)?"
    if reason in _NOT_TLS:
        return f"TLS: {where} does not speak https; write http://, or another port"
    if "ALERT" in reason and _CLIENT_CERTIFICATE.search(reason):
        return f"TLS: {where} wants another client certificate ({_spelled(reason)}); set tls.cert and tls.key"
    if "HANDSHAKE_FAILURE" in reason:
        return f"TLS: {where} refuses the connection ({_spelled(reason)}); it may want a client certificate (tls.cert)"
    return f"TLS: no connection to {where}: {_spelled(reason)}"


def _about_certificate(code: int, message: str, where: str) -> str:
    host = where.rpartition(":")[0]
    if code == _EXPIRED:
        return f"the certificate of {host} has expired; it has to be renewed there"
    if code in _OTHER_NAME:
        return f"the certificate is of another host: {message.rstrip('.')}; write the host in url as it is called there"
    hint = "; set tls.ca to the file of the CA that signed it" if code in _UNTRUSTED else ""
    return f"the certificate of {host} is not trusted: {message}{hint}"


def _spelled(reason: str) -> str:
    return reason.lower().replace("_", " ")


def _about_connection(error: Exception, doing: str, where: str, seconds: float) -> str:
    host, why = where.rpartition(":")[0], str(getattr(error, "strerror", None) or error)
    sentence = next(sentence for kind, sentence in _SENTENCES if isinstance(error, kind))
    return sentence.format(where=where, host=host, doing=doing, seconds=seconds, why=why)
