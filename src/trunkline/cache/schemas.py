"""What the cache API tells."""

from pydantic import BaseModel, Field


class CacheReport(BaseModel):
    """The kept answers of one organisation, and what this process has counted since its start."""

    entries: int = Field(description="Answers that are kept.")
    bytes: int = Field(description="Bytes of these.")
    hits: int = Field(description="Requests that got a kept answer.")
    near: int = Field(description="Requests that got the answer to a near question.")
    followed: int = Field(description="Requests that shared a running answer.")
    misses: int = Field(description="Requests whose answer had to be made.")
    hit_rate: float | None = Field(
        serialization_alias="hitRate", description="Share of requests without a call of their own."
    )
    saved: str = Field(description="Dollars that these answers cost when they were made.")


class Forgotten(BaseModel):
    """What was forgotten."""

    forgotten: int = Field(description="Answers that this process, or Redis, had kept.")
