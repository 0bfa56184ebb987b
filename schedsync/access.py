"""Who may do what over HTTP."""

from enum import StrEnum


class Scope(StrEnum):
    """What a request needs leave for."""

    OPEN = "open"
    """Nothing: whoever reaches the service may know whether it lives."""
    READ = "read"
    """Seeing jobs, runs and what they printed."""
    CONTROL = "control"
    """Pausing, resuming, running, asking for a step. Whoever may do this may read, too."""
