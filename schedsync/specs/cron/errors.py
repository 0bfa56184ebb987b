"""Why an expression is refused."""


class CronError(ValueError):
    """A cron expression is refused: a sentence for the job's author, and the 0-based offset of the offending part."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset
