"""Fields that other versions bring: refused with a sentence, never accepted and ignored."""

_NOT_YET = "is not supported in this version"
_THEY_ARE_NOT = "are not supported in this version"

LATER = {
    "executor": f"choosing an executor {_NOT_YET}; every job runs on the machine of the service",
    "queue": f"queues {_THEY_ARE_NOT}",
}
"""What to say about each of them, by its key."""
