"""The settings: one frozen model from a file and the environment, read once.

``schedsync.toml`` (or ``--config FILE``) and variables such as ``SCHEDSYNC_DATABASE__URL``; a variable wins over the
file, an option of the command line over both.
"""

import os
import re
import socket
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariableError

from schedsync.access import Rules, is_this_machine
from schedsync.errors import SettingsError
from schedsync.plan.windows import SyncWindows
from schedsync.runs.blackouts import Blackouts
from schedsync.settings.base import Group, Size, listed
from schedsync.settings.channels import ChannelSettings
from schedsync.settings.database import ConnectionSettings, DatabaseSettings
from schedsync.settings.precedence import PREFIX, sources, without_replaced
from schedsync.settings.windows import BlackoutSettings, SyncWindowSettings, WindowName, blackouts, sync_windows
from schedsync.settings.wording import did_you_mean, path_of, sentence
from schedsync.specs.durations import Duration, PositiveDuration
from schedsync.specs.notify import check_channel_name
from schedsync.specs.policy import GroupName
from schedsync.specs.variables import OF_RUNS, may_be_setting
from schedsync.specs.wording import shown
from schedsync.specs.zones import check_zone

DEFAULT_FILE = Path("schedsync.toml")
_RESERVED = ("SCHEDSYNC_TEST_", "SCHEDSYNC_RUN_", "SCHEDSYNC_JOB_")
"""Variables with these beginnings are not settings: those of the tests, and some of those that runs are given."""
_OF_OTHERS = {"SCHEDSYNC_SERVER", "SCHEDSYNC_TOKEN", *OF_RUNS}
"""Variables that say which service the command line asks, and those that runs are given: no settings of a service."""
_NAMED = re.compile(r"(SCHEDSYNC_(CONNECTIONS|GROUPS|CHANNELS|BLACKOUTS|SYNC_WINDOWS)__\w+?__)(\w+)", re.IGNORECASE)
"""A field of a connection, a group, a channel or a window; their names are for the installation to choose."""
_CONNECTION_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def _connection_name(name: str) -> str:
    if not _CONNECTION_NAME.fullmatch(name) or "__" in name:
        raise ValueError("the name of a connection is of a-z, 0-9, _ and -, and in small letters, as in variables")
    return name


class JobsSettings(Group):
    """The folder of job files."""

    path: Path = Field(Path("jobs.d"), description="The folder.")
    timezone: Annotated[str, AfterValidator(check_zone)] = Field(
        "UTC", description="IANA zone of schedules that name none."
    )
    rescan: PositiveDuration = Field(
        timedelta(seconds=30), description="Time between two full looks at the folder; file events only come before it."
    )
    max_file_size: Annotated[Size, Field(ge=1024)] = Field(1 << 20, description="A longer job file is refused.")
    poll: bool = Field(default=False, description="Poll instead of using file events (for network file systems).")


class PruneSettings(Group):
    """When removals wait for a person: when both limits are exceeded."""

    max_jobs: Annotated[int, Field(ge=0)] = Field(10, description="So many jobs may be removed at once.")
    max_fraction: Annotated[float, Field(ge=0, le=1)] = Field(0.5, description="So much of all jobs may be.")
    allow: bool = Field(default=False, description="Never hold a removal back, not even of everything.")


class RunnerSettings(Group):
    """How runs are executed on this machine."""

    max_processes: Annotated[int, Field(ge=1)] = Field(250, description="Commands, shells and scripts at once.")
    max_python: Annotated[int, Field(ge=1)] = Field(8, description="Python functions at once.")
    max_sql: Annotated[int, Field(ge=1)] = Field(8, description="Statements and blocks in databases at once.")
    max_http: Annotated[int, Field(ge=1)] = Field(32, description="Requests to web services at once.")
    max_runs: Annotated[int, Field(ge=1)] | None = Field(None, description="Runs of all kinds together at once.")
    spool: Path = Field(
        Path("schedsync-spool"),
        description="Folder for the output of runs that have not ended, and for results that wait for the database.",
    )
    max_output: Annotated[Size, Field(ge=0)] = Field(
        10 << 20,
        description="So much of its output a run keeps on disk while it runs; what comes later is counted, and of it"
        " only the end is kept.",
    )
    keep_head: Annotated[Size, Field(ge=0)] = Field(
        64 << 10, description="So much of the beginning of an output is kept."
    )
    keep_tail: Annotated[Size, Field(ge=0)] = Field(64 << 10, description="So much of the end of an output is kept.")
    shutdown_grace: Duration = Field(
        timedelta(seconds=10), description="How long a stopping service waits for its runs before it ends them."
    )

    @property
    def most_runs(self) -> int:
        """How many processes of runs there may be at once."""
        pools = self.max_processes + self.max_python + self.max_sql + self.max_http
        return pools if self.max_runs is None else min(pools, self.max_runs)


class GroupSettings(Group):
    """A group of jobs, as job files name it under ``group``."""

    max_runs: Annotated[int, Field(ge=1)] = Field(
        1, description="So many runs of the group may be unsettled before others wait or are skipped."
    )


def _web(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("expected a URL that begins with http:// or https://")
    return url.rstrip("/")


def _host_names(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not _HOST_NAME.fullmatch(name.lower()):
            raise ValueError(
                f"expected names of hosts without ports, such as schedsync.example.com; found {shown(name)}"
            )
    return tuple(name.lower() for name in names)


HostNames = Annotated[tuple[str, ...], NoDecode, BeforeValidator(listed), AfterValidator(_host_names)]
"""By which a service is known; no patterns."""


class ApiSettings(Group):
    """The status API."""

    enabled: bool = Field(default=True, description="Whether it is served.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(5000, description="Port to listen on; 0 picks a free one.")
    public_url: Annotated[str, AfterValidator(_web)] | None = Field(
        None,
        description="Where people reach it, for the links in notices: https://schedsync.example.com. With one beyond"
        " this machine, or such a name in hosts, nobody may control without a token.",
    )
    write_files: bool = Field(
        default=False,
        description="Whether programs that may control write and remove job files in the folder api of the jobs folder."
        " Who may do that runs anything as the user of the service, so it always takes a token.",
    )
    read: Literal["open", "token"] = Field(
        "open", description="Whether reading is open to whoever reaches the API, or needs a token as control does."
    )
    proxies: Annotated[int, Field(ge=0, le=10)] = Field(
        0, description="So many proxies in front are believed when they say who asks (X-Forwarded-For, -Proto, ...)."
    )
    hosts: HostNames = Field(
        (),
        description="Names besides localhost and that of public_url by which it may be asked. Beyond loopback any may"
        " be, unless this or public_url names one; its addresses always may.",
    )

    @property
    def exposed(self) -> bool:
        """Whether other machines may reach it, by its address."""
        return not is_this_machine(self.host.strip("[]"))

    @property
    def rules(self) -> Rules:
        """Who may ask."""
        public = None if self.public_url is None else urlsplit(self.public_url)
        known = {*self.hosts, *([] if public is None or public.hostname is None else [public.hostname])}
        origin = None if public is None else f"{public.scheme}://{public.netloc}".lower()
        return Rules(self.read == "open", self.proxies, frozenset(known), origin)


class LeaseSettings(Group):
    """How instances that share a database agree on who fires."""

    ttl: PositiveDuration = Field(
        timedelta(seconds=30), description="After so long without a sign of life another instance takes over."
    )


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, case_sensitive=False
    )

    node: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        default_factory=lambda: socket.gethostname()[:100], description="This instance's name in runs and status."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="From which level on is logged."
    )
    log_format: Literal["text", "json"] = Field("text", description="How log lines are written.")
    database: DatabaseSettings = DatabaseSettings()
    jobs: JobsSettings = JobsSettings()
    prune: PruneSettings = PruneSettings()
    runner: RunnerSettings = RunnerSettings()
    api: ApiSettings = ApiSettings()
    lease: LeaseSettings = LeaseSettings()
    connections: dict[Annotated[str, AfterValidator(_connection_name)], ConnectionSettings] = Field(
        default_factory=dict, description="Databases that sql and plsql jobs name, each with the fields of [database]."
    )
    groups: dict[GroupName, GroupSettings] = Field(
        default_factory=dict, description="Groups of jobs that may have more than one run at once."
    )

    channels: dict[Annotated[str, AfterValidator(check_channel_name)], ChannelSettings] = Field(
        default_factory=dict, description="Where notices go: mail, chats, webhooks, by the names that jobs use."
    )
    blackouts: dict[WindowName, BlackoutSettings] = Field(
        default_factory=dict, description="Times in which slots are not run."
    )
    sync_windows: dict[WindowName, SyncWindowSettings] = Field(
        default_factory=dict, description="Times in which changes of the folder may become live, or may not."
    )

    @property
    def group_places(self) -> dict[str, int]:
        """How many runs of each group that is named here may be unsettled."""
        return {name: group.max_runs for name, group in self.groups.items()}

    @property
    def blackout_times(self) -> Blackouts:
        """The blackouts, with their times in UTC."""
        return blackouts(self.blackouts, self.jobs.timezone)

    @property
    def sync_times(self) -> SyncWindows:
        """The sync windows, with their times in UTC."""
        return sync_windows(self.sync_windows, self.jobs.timezone)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let variables win over the file, whose values come in as arguments."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


_OF_NAMED: dict[str, type[BaseModel]] = {
    "connections": ConnectionSettings,
    "channels": ChannelSettings,
    "groups": GroupSettings,
    "blackouts": BlackoutSettings,
    "sync_windows": SyncWindowSettings,
}
"""What each of the things is that the installation names."""


def load(file: Path | None = None, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Settings:
    """Read the settings.

    Args:
        file: a TOML file that must exist; None: ``schedsync.toml`` if it is there.
        overrides: group -> field -> value, which win over everything: the command line.

    Raises:
        SettingsError: a file, variable or value cannot be used; the message names it and says what is allowed.
    """
    _refuse_unknown_variables()
    path = file_in_force(file)
    given = {} if path is None else read_file(path)
    try:
        settings = Settings(**without_replaced(given))
        return _with_windows(_with(settings, overrides or {}), path, given)
    except UnreadableVariableError as error:
        found = re.search(r'field "(\w+)"', str(error))
        group = f"{PREFIX}{found[1]}".upper() if found else "a variable"
        raise SettingsError(f"{group} is no JSON object; set its parts instead, e.g. {PREFIX}DATABASE__URL") from None
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(details, path, given) for details in error.errors())) from None


def _with_windows(settings: Settings, file: Path | None, given: Mapping[str, Any]) -> Settings:
    """Return *settings* if their windows can be: where their times are is known only with the zone of jobs."""
    try:
        _ = settings.blackout_times, settings.sync_times
    except ValueError as error:
        path = tuple(str(error).partition(":")[0].split("."))
        where = " and ".join(sources(path, file, given))
        raise SettingsError(f"{where}: {error}") from None
    return settings


def file_in_force(file: Path | None) -> Path | None:
    """Return the file that ``load`` reads when it is given *file*, if any."""
    return file or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)


def _with(settings: Settings, overrides: Mapping[str, Mapping[str, Any]]) -> Settings:
    before = {group: getattr(settings, group) for group in overrides}
    groups = {
        group: type(before[group]).model_validate(before[group].model_dump(by_alias=True) | dict(values))
        for group, values in overrides.items()
    }
    return settings.model_copy(update=groups)


def read_file(path: Path) -> dict[str, Any]:
    """Return what a settings file says, not yet judged.

    Raises:
        SettingsError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from None


def _refuse_unknown_variables() -> None:
    """Refuse misspelt variables, which would otherwise be ignored in silence."""
    known = {name.upper() for name in _variable_names()}
    for name in os.environ:
        if not may_be_setting(name) or name.upper() in known or name in _OF_OTHERS or name.startswith(_RESERVED):
            continue
        named = _NAMED.fullmatch(name)
        candidates = known | _OF_OTHERS
        if named:
            fields = _OF_NAMED[named[2].lower()].model_fields.items()
            candidates = {f"{named[1]}{field.alias or name}".upper() for name, field in fields}
        if not named or name.upper() not in candidates:
            raise SettingsError(f"the variable {name} is not a setting{did_you_mean(name.upper(), candidates)}")


def _variable_names() -> list[str]:
    names = []
    for name, field in Settings.model_fields.items():
        group = field.annotation
        names.append(f"{PREFIX}{name}")
        if isinstance(group, type) and issubclass(group, Group):
            names += [f"{PREFIX}{name}__{field.alias or inner}" for inner, field in group.model_fields.items()]
    return names


def _sentence(details: ErrorDetails, file: Path | None, given: Mapping[str, Any]) -> str:
    where = sources(path_of(details), file, given)
    return sentence(details, where, _names_beside(details["loc"]))


def _names_beside(loc: tuple[Any, ...]) -> list[str]:
    """Return the dotted names of the settings of the same group."""
    group: Any = Settings if len(loc) == 1 else Settings.model_fields.get(loc[0], FieldInfo()).annotation
    if loc[0] in _OF_NAMED:
        group = _OF_NAMED[loc[0]]
    if not (isinstance(group, type) and issubclass(group, BaseModel)):
        return []
    return [".".join([*map(str, loc[:-1]), field.alias or name]) for name, field in group.model_fields.items()]
