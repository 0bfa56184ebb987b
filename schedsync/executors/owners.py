"""What users and groups of this machine are called, for messages."""

import grp
import pwd


def user_name(number: int) -> str:
    """Return the name of a user; the number itself, if it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_name(number: int) -> str:
    """Return the name of a group; the number itself, if it has none."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
