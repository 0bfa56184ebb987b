"""Fields that other versions bring: refused with a sentence, never accepted and ignored."""

_NOT_YET = "is not supported in this version"
_THEY_ARE_NOT = "are not supported in this version"

LATER = {
    "after": f"running after another job {_NOT_YET}; use a schedule",
    "calendar": f'the trigger "calendar" {_NOT_YET}; use cron, every or at',
    "exclude": f"excluding calendars {_NOT_YET}",
    "executor": f"choosing an executor {_NOT_YET}; every job runs on the machine of the service",
    "group": f"overlap groups {_THEY_ARE_NOT}; overlap works per job",
    "http": f'the action "http" {_NOT_YET}; use command: [curl, ...]',
    "limits": f"resource limits {_THEY_ARE_NOT}; wrap the command in prlimit",
    "nice": f'"nice" {_NOT_YET}; wrap the command in nice',
    "only": f"calendars {_THEY_ARE_NOT}",
    "queue": f"queues {_THEY_ARE_NOT}",
    "shift": f"calendars {_THEY_ARE_NOT}",
    "success_exit_codes": f'"success_exit_codes" {_NOT_YET}; 0 is success',
    "umask": f'"umask" {_NOT_YET}',
    "user": f'"user" {_NOT_YET}; wrap the command in setpriv or sudo',
}
"""What to say about each of them, by its key."""
