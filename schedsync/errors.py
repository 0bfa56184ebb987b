"""The exceptions of schedsync, divided by what the caller does next."""


class SchedsyncError(Exception):
    """Something that a person has to be told; its text is the sentence to show."""


class SettingsError(SchedsyncError):
    """The settings cannot be used as they are; nothing was started."""


class FolderUnavailableError(SchedsyncError):
    """The jobs folder cannot be listed now: unknown, which is not the same as empty."""


class DatabaseUnavailableError(SchedsyncError):
    """The database did not answer or ended the connection; trying again later may help.

    Its text says what was tried, and in the same line what the error means and what to do, where that is known.
    """


class MissingRightError(DatabaseUnavailableError):
    """The database does not let the connected user do it, until somebody grants the right that the message names."""


class SchemaError(SchedsyncError):
    """The database's tables are missing or of another version than this program needs."""


class StaleObservationError(SchedsyncError):
    """Another writer changed what a plan was made from; observe and plan once more."""


class LeadershipLostError(SchedsyncError):
    """This instance no longer holds the lease, so it must not fire or record a claim."""


class UnusableConnectionError(SchedsyncError):
    """A job names a connection that the settings do not have, or that is of another kind than it needs."""


class UnresolvedReferenceError(SchedsyncError):
    """A value that a job takes from a file or a variable is not there, or cannot be used."""


class UnavailableConfinementError(SchedsyncError):
    """A job wants a user, a niceness or a limit that this machine or this service cannot give it."""


class EngineUnavailableError(SchedsyncError):
    """The process that starts and watches runs did not begin; nothing was claimed."""


class ApiUnavailableError(SchedsyncError):
    """The status API cannot listen on the address that it was given."""


class JobNotFoundError(SchedsyncError):
    """No job of this id is scheduled."""

    def __init__(self, job_id: str, near: str | None = None) -> None:
        """Make the sentence.

        Args:
            job_id: what was asked for.
            near: the id that may have been meant.
        """
        hint = "" if near is None else f'; did you mean "{near}"?'
        super().__init__(f'no job has the id "{job_id}"{hint}')
        self.job_id = job_id


class RunNotFoundError(SchedsyncError):
    """No run of this id is recorded."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f'no run has the id "{run_id}"')
        self.run_id = run_id
