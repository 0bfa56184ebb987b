"""``/day``: what fires when, past and coming."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import cast

from flask import Blueprint, Flask, current_app, render_template

from schedsync.api.answers import remembered
from schedsync.api.backend import Backend, backend
from schedsync.api.parsing import Said, query_of
from schedsync.pages.shown.day import DayPicture, picture
from schedsync.status.day import FEW, STEP, Day, Outlook, Past, is_busy, outlook, past, rows
from schedsync.status.knowledge import Knowledge
from schedsync.store.jobs import StoredJob

blueprint = Blueprint("day", __name__)
LINES = 50
"""How many jobs a page shows."""
"""


class"""
