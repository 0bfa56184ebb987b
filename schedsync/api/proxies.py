"""Proxies in front: what they say of who asks is believed here, as far as the settings name them, and nowhere else."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")
_SCHEMES = {"http", "https"}


def believe(app: Flask, count: int) -> None:
    """Let *app* take from its proxies who asks, and under which scheme, name and path.

    Args:
        app: what is served.
        count: how many there are. So many steps back in ``X-Forwarded-For`` stands who asks. Scheme, name and path are
            those that the nearest one tells, the last where it passes several on.
    """
    if count:
        # Werkzeug's part sets what the headers say, so what is wrong with that is found behind it.
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # this is how Flask has middleware put around it
            _Checked(app.wsgi_app), x_for=count, x_proto=1, x_host=1, x_prefix=1
        )


class _Checked:
    """Drops a path or scheme that is none: it would stand in the links of pages."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        prefix = environ.get("SCRIPT_NAME", "").rstrip("/")
        environ["SCRIPT_NAME"] = prefix if _PREFIX.fullmatch(prefix) else ""
        if environ["wsgi.url_scheme"] not in _SCHEMES:
            environ["wsgi.url_scheme"] = "http"
        return self._app(environ, start_response)
