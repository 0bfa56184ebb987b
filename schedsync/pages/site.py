"""The pages as one part of the app: where they are, and what templates may use."""

from flask import Blueprint, Flask
from jinja2 import StrictUndefined

from schedsync.api import places
from schedsync.api.backend import backend
from schedsync.pages import controls, day, docs, failing, jobs, login, overview, run, runs, syncs
from schedsync.pages.frame import frame
from schedsync.pages.shown import times
from schedsync.pages.shown.reference import prose
from schedsync.pages.shown.revision import in_short

_ASKING = (overview, jobs, runs, run, day, syncs, controls)
"""Modules with a blueprint each, whose views may ask the database."""


def register(app: Flask) -> None:
    """Put the pages into *app*, which is the API."""
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "undefined": StrictUndefined}
    site = Blueprint("pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static")
    for module in (*_ASKING, docs, login):
        site.register_blueprint(module.blueprint)
    site.app_context_processor(lambda: {"frame": frame()})
    _teach_times(site)
    site.add_app_template_filter(prose, "prose")
    site.add_app_template_filter(in_short, "revision")
    app.register_blueprint(site)
    places.let_ask(app, [f"{site.name}.{module.blueprint.name}" for module in _ASKING])
    app.after_request(failing.as_page)


def _teach_times(site: Blueprint) -> None:
    site.add_app_template_filter(times.iso, "iso")
    site.add_app_template_filter(times.absolute, "absolute")
    site.add_app_template_filter(lambda at: times.relative(at, backend().clock()), "relative")
    site.add_app_template_filter(lambda at: times.short(at, backend().clock()), "short")
