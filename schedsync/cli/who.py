"""Who decides, as decisions are signed."""

import getpass
import os


def who() -> str:
    """Return the user of this process."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a user id without a name, as in containers
        return f"cli:{os.getuid()}"
