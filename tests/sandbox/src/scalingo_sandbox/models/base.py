# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all models share."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


def _is_date(value: str) -> str:
    if not _RFC3339.fullmatch(value):
        raise ValueError("is not a date in RFC 3339's form")
    datetime.fromisoformat(value)
    return value


Date = Annotated[str, AfterValidator(_is_date), WithJsonSchema({"type": "string", "format": "date-time"})]
Hour = Annotated[int, Field(ge=0, le=23)]
Weekday = Annotated[int, Field(ge=0, le=6)]


class Request(BaseModel):
    """Something a client sends: what is not declared is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Response(BaseModel):
    """Something the sandbox answers: nothing that is not declared can be sent."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    @classmethod
    def of(cls, item: Any, date: Callable[[float], str], without: Container[str] = (), **more: Any) -> Self:
        """What the state has under the names of the model, its instants as ``date`` writes them, and ``more``."""
        names = [name for name in cls.model_fields if hasattr(item, name) and name not in without and name not in more]
        shown = {name: getattr(item, name) for name in names}
        return cls(
            **{name: date(value) if isinstance(value, float) else value for name, value in shown.items()}, **more
        )

    def wire(self) -> Any:
        """As it is sent: keys that were never set are left out, keys set to None are null."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class Empty(Request):
    """No body, or {}."""


class Error(Response):
    """Any error but a validation error."""

    error: str
    resource: str | None = None
    code: str | None = None
    name: str | None = None
    url: str | None = None


class ValidationErrors(Response):
    """422."""

    errors: dict[str, list[str]]


class PaginationNumbers(Response):
    current_page: int
    per_page: int | None = None
    prev_page: int | None = None
    next_page: int | None = None
    total_pages: int
    total_count: int


class Meta(Response):
    """Both nestings of section 5: pagination, or the numbers themselves."""

    pagination: PaginationNumbers | None = None
    current_page: int | None = None
    per_page: int | None = None
    prev_page: int | None = None
    next_page: int | None = None
    total_pages: int | None = None
    total_count: int | None = None
