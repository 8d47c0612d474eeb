# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authentication host."""

from __future__ import annotations

from typing import Any

from scalingo_sandbox import state
from scalingo_sandbox.api.routing import Answer, Call, invalid, not_found, route
from scalingo_sandbox.identifiers import fresh_api_token, fresh_hexadecimal
from scalingo_sandbox.models import auth, base
from scalingo_sandbox.world import PUBLIC_REGIONS, REGION_NAMES, World


@route("exchange", "auth", "POST", "/v1/tokens/exchange", access="basic", safe=True, body=base.Empty)
def exchange(call: Call) -> auth.BearerToken:
    """An API token for a bearer of one hour."""
    world = call.world
    return auth.BearerToken(token=world.tokens.make_bearer(world.account.id, world.durations.bearer))


@route("A15", "auth", "GET", "/v1/users/self", access="bearer", safe=True)
def show_user(call: Call) -> auth.UserAnswer:
    """The user."""
    return auth.UserAnswer(user=auth.User.of(call.world.account, call.world.date, flags={}))


@route("regions", "auth", "GET", "/v1/regions", access="optional", safe=True)
def list_regions(call: Call) -> auth.RegionsAnswer:
    """The regions: those that everybody may see, with a bearer those of the user."""
    world = call.world
    names = world.account.regions if call.caller is not None else PUBLIC_REGIONS
    regions = []
    for name in names:
        more: dict[str, Any] = {}
        if world.switch("region_default") == "present":
            more["default"] = name == "osc-fr1"
        regions.append(
            auth.Region(
                name=name,
                display_name=REGION_NAMES[name],
                api=world.addresses.api[name],
                dashboard=f"https://my.{name}.scalingo.invalid",
                database_api=world.addresses.db[name],
                ssh=ssh_address(world, name),
                **more,
            )
        )
    return auth.RegionsAnswer(regions=regions)


def ssh_address(world: World, region: str) -> str:
    return world.seed.ssh.get(region, "127.0.0.1:22")


def _view(call: Call, token: state.ApiToken, *, secret: bool = False) -> auth.Token:
    more = {"token": token.secret} if secret else {}
    return auth.Token.of(token, call.world.date, **more)


def _find(call: Call) -> state.ApiToken:
    for token in call.world.api_tokens:
        if token.id == call.path["token"]:
            return token
    raise not_found("token")


@route("tokens", "auth", "GET", "/v1/tokens", access="bearer", safe=True)
def list_tokens(call: Call) -> auth.TokensAnswer:
    """The user's API tokens, without their secret."""
    return auth.TokensAnswer(tokens=[_view(call, token) for token in call.world.api_tokens])


@route("tokens-create", "auth", "POST", "/v1/tokens", access="bearer", safe=False, status=201, body=auth.TokenCreation)
def create_token(call: Call) -> auth.TokenAnswer:
    """A new API token: its secret is shown once."""
    body: auth.TokenCreation = call.body
    name = body.token.name if body.token else body.name
    if not name:
        raise invalid(call.world, name="can't be blank")
    token = state.ApiToken(fresh_hexadecimal(), name, fresh_api_token(), call.world.now())
    call.world.api_tokens.append(token)
    return auth.TokenAnswer(token=_view(call, token, secret=True))


@route("tokens-show", "auth", "GET", "/v1/tokens/{token}", access="bearer", safe=True)
def show_token(call: Call) -> auth.TokenAnswer:
    """One API token, without its secret."""
    return auth.TokenAnswer(token=_view(call, _find(call)))


@route("tokens-renew", "auth", "PATCH PUT", "/v1/tokens/{token}/renew", access="bearer", safe=False, body=base.Empty)
def renew_token(call: Call) -> auth.TokenAnswer:
    """A new secret for an API token."""
    token = _find(call)
    token.secret = fresh_api_token()
    return auth.TokenAnswer(token=_view(call, token, secret=True))


@route("tokens-delete", "auth", "DELETE", "/v1/tokens/{token}", access="bearer", safe=False, status=204)
def delete_token(call: Call) -> Answer:
    """An API token no longer works."""
    token = _find(call)
    call.world.api_tokens.remove(token)
    return Answer()
