"""The ids of jobs."""

import re
from typing import Annotated

from pydantic import AfterValidator

from schedsync.specs.base import Text
from schedsync.specs.wording import quoted

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def check_id(job_id: str) -> str:
    """Return *job_id* if it may be one.

    Raises:
        ValueError: it may not; the message says what may.
    """
    if not _ID.fullmatch(job_id):
        raise ValueError(
            f'{quoted(job_id)} cannot be an id: use up to 200 letters, digits, ".", "_" and "-", '
            "a letter or digit first"
        )
    return job_id


JobId = Annotated[Text, AfterValidator(check_id)]
