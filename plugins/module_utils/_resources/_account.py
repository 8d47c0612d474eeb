# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What the account is told without a database being named: by the main API of a region, or by the authentication API."""

from __future__ import annotations

import typing as t

from .._change import Listing, Performer
from .._errors import InvalidInput
from .._step import Params


def refuse_addon_token(params: Params, what: str, needed: str = "api_token and app") -> None:
    """Refuse a task that holds a token for one addon and nothing else; `what` is the beginning of the sentence.

    `needed` is what to give instead.
    """
    if params["addon_id"] and params["addon_token"]:
        raise InvalidInput(
            f"{what}, which a token for one addon does not open",
            hint=f"Give {needed} instead of addon_id and addon_token.",
        )


class _InApp(Performer):
    @property
    def app(self) -> str:
        """The app that the task names."""
        return str(self.client.settings.app)


class OfMain(_InApp):
    """Something that is managed through the main API. That needs no token of the addon, with which its ID would be kept."""

    #: What it is, in words.
    things = ""
    fresh_lookup = True

    @classmethod
    def parse(cls, params: Params) -> t.Any:
        refuse_addon_token(params, f"{cls.things} are managed through the main API")


class OfAccount(Listing):
    """An info module that needs an API token, and no addon."""

    target_needed = False

    @classmethod
    def parse(cls, params: Params) -> t.Any:
        refuse_addon_token(params, "this is read from the main API or the authentication API", "api_token")


class OfApp(_InApp, OfAccount):
    """One that needs an app too."""

    @classmethod
    def parse(cls, params: Params) -> t.Any:
        super().parse(params)
        if not (params["app"] or "").strip():
            raise InvalidInput("app is missing: which app is meant?", hint="Give app, or set SCALINGO_APP.")
