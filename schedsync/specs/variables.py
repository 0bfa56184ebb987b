"""Variables of the environment that are schedsync's own: its settings, and what each run is given."""

SETTINGS = "SCHEDSYNC_"
"""How variables begin that give settings, however their letters are written."""
OF_RUNS = (
    "SCHEDSYNC_JOB_ID",
    "SCHEDSYNC_RUN_ID",
    "SCHEDSYNC_SCHEDULED_AT",
    "SCHEDSYNC_ATTEMPT",
    "SCHEDSYNC_UPSTREAM_JOB_ID",
    "SCHEDSYNC_UPSTREAM_RUN_ID",
    "SCHEDSYNC_UPSTREAM_STATE",
)
"""Variables that each run is given; by the run's id its processes are found after a crash."""


def may_be_setting(name: str) -> bool:
    """Whether the variable *name* may be a setting of the service; jobs get none of them, since some are passwords."""
    return name.upper().startswith(SETTINGS)
