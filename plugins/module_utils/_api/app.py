# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Apps and their operations (docs/contract.md, section 2.1). An app is named by its name or its id."""

from __future__ import annotations

import typing as t

from .._route import MAIN, READ, many, under
from .._shapes import Part, Record, identifier, instant, normal, present, required, text
from .account import PERSON
from .operation import OPERATION


def _flags(raw: t.Any) -> dict[str, bool]:
    if not isinstance(raw, dict) or not all(isinstance(value, bool) for value in raw.values()):
        raise ValueError("a flag of an app is neither true nor false")
    return raw


APP = Record(
    id=identifier,
    name=required(text),
    region=identifier,
    status=identifier,
    flags=normal(_flags, "an object of booleans"),
    owner=Part(**PERSON),
    project=Part(id=identifier, name=identifier),
    created_at=instant,
    updated_at=instant,
)
VARIABLE = Record(id=identifier, name=required(text), value=present(text))
OPERATION_OF_APP = OPERATION.beside(app_id=identifier)

#: List the apps of the region that the account may see (A0).
list_apps = MAIN.route("A0", "list_apps", "GET /apps", READ, many("apps", check=APP))
#: Read the ``app`` (A12); ``flags`` has ``dedicated-database`` for the app of a dedicated database.
show_app = MAIN.route("A12", "show_app", "GET /apps/{app}", READ, under("app", check=APP), doing="read the app")
#: List the variables of the ``app`` (A11, 7.9): id, name, value. The values are secrets.
list_variables = MAIN.route(
    "A11",
    "list_variables",
    "GET /apps/{app}/variables",
    READ,
    many("variables", check=VARIABLE),
    doing="read the variables of the app",
)
#: Read an ``operation`` of the ``app`` (A13), which is not one of the database (2.6).
show_app_operation = MAIN.route(
    "A13",
    "show_app_operation",
    "GET /apps/{app}/operations/{operation}",
    READ,
    under("operation", check=OPERATION_OF_APP),
    doing="read the operation of the app",
)
