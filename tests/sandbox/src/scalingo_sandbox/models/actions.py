# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions of D8: section 2.8 of docs/contract.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Discriminator, RootModel, Tag, TypeAdapter

from scalingo_sandbox.models.base import Date, Request, Response


class Action(Request):
    """params may be an object, a bare string, null, {} or missing."""

    action_name: str
    params: Any = None


class ActionSuccess(Response):
    ok: Literal[1]
    result: Any


class ActionFailure(Response):
    ok: Literal[0]
    error: str


def _outcome(value: Any) -> str:
    if isinstance(value, dict):
        return "failure" if value.get("ok") == 0 else "success"
    return "failure" if isinstance(value, ActionFailure) else "success"


class ActionAnswer(
    RootModel[
        Annotated[
            Annotated[ActionSuccess, Tag("success")] | Annotated[ActionFailure, Tag("failure")],
            Discriminator(_outcome),
        ]
    ]
):
    """Success and failure."""


class LogicalDatabaseName(Request):
    database_name: str


class ProcessIdentifier(Request):
    pid: int


class RetentionPolicyAddition(Request):
    name: str
    duration: str
    default: bool | None = None


class RetentionPolicyName(Request):
    name: str


class LogicalDatabase(Response):
    name: str
    protected: bool


class Extension(Response):
    name: str
    version: str


class Query(Response):
    query: str
    state: str
    username: str
    query_start: Date
    pid: int
    query_duration: int


class Statement(Response):
    user_id: int
    query: str
    calls: int
    rows: int
    total_time: float
    min_time: float
    max_time: float
    mean_time: float
    std_dev: float | None = None
    stddev_time: float | None = None


class RetentionPolicy(Response):
    name: str
    duration: str
    default: bool


@dataclass(frozen=True)
class ActionModel:
    """One action: who has it, what it takes, what it gives, whether it changes anything."""

    name: str
    engines: frozenset[str]
    params: Any
    result: Any
    safe: bool


POSTGRESQL = frozenset({"postgresql", "postgresql-ng"})
LOGICAL = frozenset({"mysql", "mongodb"})
MYSQL = frozenset({"mysql"})
INFLUXDB = frozenset({"influxdb"})

ACTIONS: dict[str, ActionModel] = {
    action.name: action
    for action in (
        ActionModel("list-databases", LOGICAL, None, list[LogicalDatabase], True),
        ActionModel("create-database", LOGICAL, LogicalDatabaseName, LogicalDatabase, False),
        ActionModel("delete-database", LOGICAL, LogicalDatabaseName, None, False),
        ActionModel("reset-database", LOGICAL, LogicalDatabaseName, None, False),
        ActionModel("get-sqlmode", MYSQL, None, str, True),
        ActionModel("set-sqlmode", MYSQL, str, None, False),
        ActionModel("list-extensions", POSTGRESQL, None, list[Extension], True),
        ActionModel("pg-list-queries", POSTGRESQL, None, list[Query], True),
        ActionModel("pg-cancel-query", POSTGRESQL, ProcessIdentifier, None, False),
        ActionModel("pg-terminate-query", POSTGRESQL, ProcessIdentifier, None, False),
        ActionModel("pg-stat-statements-enable", POSTGRESQL, None, None, False),
        ActionModel("pg-stat-statements-reset", POSTGRESQL, None, None, False),
        ActionModel("pg-stat-statements-list", POSTGRESQL, None, list[Statement], True),
        ActionModel("list-retention-policies", INFLUXDB, None, list[RetentionPolicy], True),
        ActionModel("add-retention-policy", INFLUXDB, RetentionPolicyAddition, None, False),
        ActionModel("del-retention-policy", INFLUXDB, RetentionPolicyName, None, False),
    )
}


def checked_result(action: ActionModel, result: Any) -> Any:
    """The result in its declared form: an engine cannot answer anything else."""
    if action.result is None:
        if result is not None:
            raise TypeError(f"{action.name} answers null")
        return None
    adapter: TypeAdapter[Any] = TypeAdapter(action.result)
    return adapter.dump_python(adapter.validate_python(result), mode="json", exclude_unset=True)
