"""Where notices go. A channel's URL is a secret: it holds a password or a token, or is one."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from schedsync.errors import SettingsError
from schedsync.notify.channel import Channel
from schedsync.notify.request import WEBHOOK
from schedsync.notify.template import BODY, TITLE, check
from schedsync.settings.base import Group
from schedsync.settings.database import read_secret
from schedsync.specs.durations import PositiveDuration
from schedsync.specs.notify import has_user

Template = Annotated[str, AfterValidator(check)]
"""A text with placeholders."""


class ChannelSettings(Group):
    """One channel."""

    url: SecretStr | None = Field(
        None, description="A webhook (http:, https:), or a URL of Apprise: mailtos:, slack:, msteams: and many more."
    )
    url_file: Path | None = Field(None, description="A file that holds the URL; read at each start.")
    url_env: str | None = Field(None, description="A variable that holds the URL.")
    secret: SecretStr | None = Field(None, description="Webhooks: requests are signed with it.")
    secret_file: Path | None = Field(None, description="A file that holds the secret.")
    secret_env: str | None = Field(None, description="A variable that holds the secret.")
    title: Template | None = Field(None, description="The subject, with placeholders.")
    body: Template | None = Field(None, description="The text, with placeholders.")
    timeout: PositiveDuration = Field(timedelta(seconds=10), description="Within this a notice is taken, or given up.")

    @model_validator(mode="after")
    def _one_of_each(self) -> Self:
        urls = [name for name in ("url", "url_file", "url_env") if getattr(self, name) is not None]
        if len(urls) != 1:
            raise ValueError(f"give one of url, url_file, url_env; there are {len(urls)}")
        secrets = [name for name in ("secret", "secret_file", "secret_env") if getattr(self, name) is not None]
        if len(secrets) > 1:
            raise ValueError(f"give one of {', '.join(secrets)}, not {len(secrets)}")
        return self

    def channel(self, name: str) -> Channel:
        """Return the channel, with its secrets read from where they are.

        Raises:
            SettingsError: they cannot be read, or the URL is none.
        """
        group = f"channels.{name}"
        url = (read_secret(self.url, self.url_file, f"{group}.url", self.url_env) or "").strip()
        secret = read_secret(self.secret, self.secret_file, f"{group}.secret", self.secret_env)
        if "://" not in url:
            raise SettingsError(f"{group}.url is no URL; write it like https://... or mailtos://...")
        if any(sign.isspace() or not sign.isprintable() for sign in url):
            raise SettingsError(
                f"{group}.url has spaces, line ends or control characters within; write one URL, with %20 for a space"
            )
        if has_user(url):
            raise SettingsError(
                f"{group}.url has a user or password, which a webhook does not get; sign requests with {group}.secret, "
                "or let Apprise send them: json://user:password@... or jsons://..."
            )
        channel = Channel(name, url, secret, self.title or TITLE, self.body or BODY, self.timeout.total_seconds())
        if secret is not None and channel.kind != WEBHOOK:
            raise SettingsError(f"{group}.secret is for webhooks; this channel is none ({channel.shown})")
        return channel
