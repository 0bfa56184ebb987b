"""What all groups of settings are."""

from pydantic import BaseModel, ConfigDict


class Group(BaseModel):
    """Settings that belong together: unknown names are refused, nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)
