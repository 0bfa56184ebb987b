"""Who sees what: the login page, and pages for those who may only read."""

import pytest
from flask.testing import FlaskClient

from tests.builders import located
from tests.integration.api.conftest import Installation
from tests.integration.pages.conftest import BROWSER, client_of
from tests.integration.pages.reading import Page, read


@pytest.fixture
def exposed(here: Installation) -> FlaskClient:
    here.apply(located(id="a"))
    return client_of(here, exposed=True)


def _open(client: FlaskClient, path: str, status: int = 200) -> Page:
    response = client.get(path, headers=BROWSER)
    assert response.status_code == status
    return read(response.text)


@pytest.mark.parametrize("path", ["/", "/jobs/a"])
def test_who_may_only_read_sees_no_controls_but_how_to_get_them(exposed: FlaskClient, path: str) -> None:
    page = _open(exposed, path)
    assert page.forms == []
    assert page.link("log in") == f"/login?next={path}"
    assert "Pause" not in page.text


def test_the_login_page_says_how_to_get_a_token(exposed: FlaskClient) -> None:
    page = _open(exposed, "/login?next=/jobs/a")
    (form,) = page.forms
    assert (form.action, form.method, form.fields) == ("/login", "post", {"next": "/jobs/a", "token": ""})
    assert "schedsync token create NAME --scope read" in page.text
