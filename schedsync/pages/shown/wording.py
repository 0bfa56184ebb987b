"""Small matters of English that several pages share."""


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 job`` or ``2 jobs``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
