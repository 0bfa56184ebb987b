"""What the errors mean that keep one from working with a SQLite file."""

from schedsync.store.dialects.explanation import Advice, Explanation, by_fragment

ADVICE: dict[str, Advice] = {
    "unable to open database file": (
        "the file cannot be opened or created",
        "check that its folder is there and writable for this user",
    ),
    "readonly database": ("the file or its folder may only be read", "give this user the right to write both"),
    "file is not a database": (
        "the file is something else, or damaged",
        "name another file, or bring it back from a backup",
    ),
    "malformed": ("the file is damaged", "bring it back from a backup; `sqlite3 FILE .recover` may save rows"),
    "database is locked": (
        "another process has been writing for long",
        "look for it with `fuser FILE`; keep the file off network file systems",
    ),
    "disk is full": ("there is no room on the disk", "free some"),
    "disk I/O error": (
        "the file system failed",
        "look at the kernel's log, and keep the file off network file systems",
    ),
}


def explain(error: BaseException) -> Explanation | None:
    """Return what *error* means."""
    return by_fragment(error, ADVICE)
