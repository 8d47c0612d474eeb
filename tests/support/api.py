# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every call and every route of the API that the collection knows, by its name."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import typing as t

from ansible_collections.community.scalingo.plugins.module_utils import _api
from ansible_collections.community.scalingo.plugins.module_utils._api.action import Action
from ansible_collections.community.scalingo.plugins.module_utils._route import Route, Sender

_MODULES = [importlib.import_module(f"{_api.__name__}.{item.name}") for item in pkgutil.iter_modules(_api.__path__)]


def _is_call(module: t.Any, name: str, value: t.Any) -> bool:
    """Whether it is what sends something: a route, or a function of the module that takes a client first."""
    if name.startswith("_") or module.__name__.rpartition(".")[2].startswith("_"):
        return False
    if isinstance(value, Route):
        return value.name == name
    mine = getattr(value, "__module__", "") == module.__name__ and hasattr(value, "__code__")
    return mine and value.__code__.co_varnames[:1] == ("client",)


CALLS: dict[str, t.Callable[..., t.Any]] = {
    name: value for module in _MODULES for name, value in vars(module).items() if _is_call(module, name, value)
}
#: All that are declared, in the order of the files; one that another file imports counts once.
DECLARED = list(
    {id(route): route for module in _MODULES for route in vars(module).values() if isinstance(route, Route)}.values()
)
ROUTES = [route for route in DECLARED if not isinstance(route, Action)]
ACTIONS = {route.action_name: route for route in DECLARED if isinstance(route, Action)}


class Api:
    """The calls of one client: ``Api(client).list_backups()``."""

    def __init__(self, client: Sender) -> None:
        self.client = client

    def __getattr__(self, name: str) -> t.Callable[..., t.Any]:
        return functools.partial(CALLS[name], self.client)
