# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connection URLs of every engine, as the variables of an app hold them."""

from __future__ import annotations

import pytest
from ansible_collections.community.scalingo.plugins.module_utils._connection_url import find, find_by_user, parse
from ansible_collections.community.scalingo.plugins.module_utils._ssh_tunnel import Address

HOST = Address("a", 31000)


@pytest.mark.parametrize(
    ("text", "addresses", "user", "database", "password", "tls"),
    [
        ("mysql://u:p@h:1/d?useSSL=true&verifyServerCertificate=false", [("h", 1)], "u", "d", "p", "required"),
        ("mysql://u:p%40%2F@h/d", [("h", 3306)], "u", "d", "p@/", "off"),
        (
            "mongodb://u:p@a:1,B.:2/d?replicaSet=d-rs0&ssl=true",
            [("a", 1), ("b", 2)],
            "u",
            "d",
            "p",
            "required",
        ),
        ("redis://:p@h:1", [("h", 1)], None, None, "p", "off"),
        ("rediss://u:p@h:1/", [("h", 1)], "u", None, "p", "required"),
        ("http://u:p@h:1/d", [("h", 1)], "u", "d", "p", "off"),
        ("https://u:p@h", [("h", 443)], "u", None, "p", "required"),
        ("postgres://u:p@h/d?sslmode=prefer", [("h", 5432)], "u", "d", "p", "preferred"),
        ("postgresql://u@h/d?sslmode=verify-full", [("h", 5432)], "u", "d", None, "required"),
        ("POSTGRESQL://a%40b:@[::1]:1/d%20e", [("::1", 1)], "a@b", "d e", "", "off"),
        # From public reports: kobotoolbox/kpi#3821, mongoose#4556, pgsync#236, encode/databases#145, dbhub#96.
        ("mongodb://u:p@a:27017,b:27017,c:27017", [("a", 27017), ("b", 27017), ("c", 27017)], "u", None, "p", "off"),
        ("mongodb://u:p@a,b/d?replicaSet=123-rs", [("a", 27017), ("b", 27017)], "u", "d", "p", "off"),
        ("postgres://u:Superp@$$W0rd01@h:5432/d", [("h", 5432)], "u", "d", "Superp@$$W0rd01", "off"),
        ("mysql://user%23001:P%40ssw0rd%23@h/d", [("h", 3306)], "user#001", "d", "P@ssw0rd#", "off"),
        ("mysql://u:100%+1@h/d", [("h", 3306)], "u", "d", "100%+1", "off"),
    ],
)
def test_a_url_of_each_engine(
    text: str, addresses: list[tuple[str, int]], user: str | None, database: str | None, password: str | None, tls: str
) -> None:
    url = parse(text)
    assert url.addresses == tuple(Address(*item) for item in addresses)
    assert (url.user, url.database, url.password, url.tls) == (user, database, password, tls)
    assert "" not in url.secrets and text in url.secrets
    if password:
        assert f":{password}@" not in repr(url) and "password" not in repr(url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "$SCALINGO_MYSQL_URL",
        "mysql://",
        "mysql://u:Canary@/d",
        "mongodb://u:Canary@a,/d",
        "ftp://u:Canary@h/d",
        # From public reports: data-atom#53, atlas#1631, supabase/cli#155, mongoose#6492.
        "postgresql://u:my/Canary@h/d",
        "postgres://u:sl[oer?[$Canary@h:5432/d",
        "postgresql://u:Ax^s#Canary@h:5432/d",
        "mongodb://a:27017/Canary,b:27017/d",
    ],
)
def test_what_is_no_url_is_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="form") as caught:
        parse(text)
    assert "Canary" not in str(caught.value) and caught.value.__cause__ is None


def test_of_one_member_of_a_replica_set() -> None:
    found = find([("SCALINGO_MONGO_URL", "mongodb://u:p@b:1,a:31000/d")], HOST, "u")
    assert found is not None and found[0] == "SCALINGO_MONGO_URL"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ([("SCALINGO_MONGO_URL", "mongodb://shop_1:p@x.a:1/d")], "SCALINGO_MONGO_URL"),
        # A copy that somebody made, another user's, and two that could both be meant.
        ([("MY_URL", "mongodb://shop_1:p@x.a:1/d")], None),
        ([("SCALINGO_MONGO_URL", "mongodb://shop_2:p@x.a:1/d")], None),
        (
            [("SCALINGO_MONGO_URL", "mongodb://shop_1:p@x:1/d"), ("SCALINGO_MONGO_2_URL", "mongodb://shop_1:p@y:1/d")],
            None,
        ),
    ],
)
def test_the_platforms_own_variable_of_the_databases_user(
    variables: list[tuple[str, str]], expected: str | None
) -> None:
    found = find_by_user(variables, "shop_1")
    assert (found and found[0]) == expected
