# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The account and its tokens, and the regions: the authentication host (docs/contract.md, sections 1.1, 1.2 and A15)."""

from __future__ import annotations

import re

from .._answer import Answer
from .._route import AUTH, PUBLIC, READ, SIGN_IN, many, under
from .._shapes import Record, boolean, identifier, present, required, text

#: What a token consists of, so that it can be sent in a header.
TOKEN = r"[\x21-\x7e]+"

REGION = Record(
    name=required(text),
    display_name=identifier,
    api=identifier,
    database_api=identifier,
    ssh=identifier,
    dashboard=identifier,
    default=boolean,
)
#: Who owns an app or did something.
PERSON = {"id": identifier, "username": identifier, "email": identifier}
USER_ACCOUNT = Record(id=present(text), username=identifier, email=identifier, fullname=identifier)


def _token(answer: Answer) -> tuple[str, float | None]:
    token = under("token", check=text)(answer)
    if not re.fullmatch(TOKEN, token):
        raise answer.unexpected("expected a token and received a text that cannot be one")
    return token, answer.date


#: Exchange the API token (section 1.2). Return the bearer token and the epoch of the answer's Date header.
exchange_token = SIGN_IN.route(
    "1.2", "exchange_token", "POST /tokens/exchange", READ, _token, doing="exchange the API token for a bearer token"
)
#: List the regions (section 1.1): name, display_name, api, database_api, ssh, dashboard, default. Hosts have no path.
list_regions = PUBLIC.route("1.1", "list_regions", "GET /regions", READ, many("regions", check=REGION))
#: Read the account behind the token (A15): id, username, email, fullname.
show_user = AUTH.route(
    "A15", "show_user", "GET /users/self", READ, under("user", check=USER_ACCOUNT), doing="read the account"
)
