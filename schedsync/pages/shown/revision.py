"""The name of a revision, as short as it can be and be known again."""

SHORT = 12
"""Characters of a Git commit's name."""


def in_short(revision: str) -> str:
    """Return the beginning of a commit's name; what has a label in front, for a folder in no Git, is short already."""
    return revision if ":" in revision else revision[:SHORT]
