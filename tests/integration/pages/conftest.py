"""The pages over a real store, as a browser asks for them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from schedsync import pages
from schedsync.api.app import create_app
from tests.integration.api.conftest import Installation, empty_database, here, store
from tests.integration.pages.reading import Page, read

__all__ = ["empty_database", "here", "store"]
Browse = Callable[..., Page]
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def client_of(installation: Installation, **changes: Any) -> FlaskClient:
    """Return a client of an app that has the pages."""
    app = create_app(replace(installation.backend, **changes))
    pages.register(app)
    return app.test_client()


@pytest.fixture
def client(here: Installation) -> FlaskClient:
    here.vitals.ticked(here.clock.now, leading=True, leader="here")
    here.vitals.database(here.clock.now, error=None)
    return client_of(here)


@pytest.fixture
def browse(client: FlaskClient) -> Browse:
    """Open a page; anything but the status that is expected fails."""

    def open_(path: str, status: int = 200) -> Page:
        response = client.get(path, headers=BROWSER)
        assert response.status_code == status, response.text
        assert response.mimetype == "text/html"
        return read(response.text)

    return open_


@pytest.fixture
def send(client: FlaskClient, browse: Browse) -> Callable[..., Page]:
    """Fill in the form of a page that leads to *action*, send it as a browser does, and open where that leads."""

    def fill(page: Page, action: str, **fields: str) -> Page:
        (form,) = [form for form in page.forms if form.action == action and form.method == "post"]
        assert set(fields) <= set(form.fields), form
        response = client.post(action, data={**form.fields, **fields}, headers=BROWSER)
        assert response.status_code == 303, response.text
        return browse(response.headers["Location"])

    return fill
