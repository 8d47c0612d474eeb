# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Addresses of log drains: which are the same drain, and what of them may be shown. The forms are those that people have published."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

import pytest
from ansible_collections.community.scalingo.plugins.module_utils._api.log_drain import Drain, credentials, masked
from hypothesis import given
from hypothesis import strategies as some

SYSLOG = {"type": "syslog", "host": "custom.logs.com", "port": 1234}
OVH = {"type": "ovh-graylog", "host": "gra3.logs.ovh.com", "token": "t-0123"}
DATADOG = {"type": "datadog", "token": "t-0123", "drain_region": "eu-west-2"}
#: The form of the command line's help, with an index and a pipeline.
OPENSEARCH = "https://me:pass@app.opensearch.osc-fr1.scalingo-dbs.com:30123/i/_doc?pipeline=p"
HASH, ANOTHER_HASH = "5f4dcc3b5aa765d61d8327deb882cf99", "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW"
ELK = {"type": "elk", "url": "https://user:p%40ss@logstash.osc-fr1.scalingo.io/x?pipeline=mine"}


#: What a task asks for; the addresses that are it, those that are another, and those that do not tell.
ADDRESSES: list[tuple[dict[str, t.Any], str, str, str]] = [
    (SYSLOG, "syslog://custom.logs.com:1234 tcp+tls://CUSTOM.logs.com:1234",
     "syslog://custom.logs.com:1235 syslog://:t-0123@custom.logs.com:1234 datadog://t-0123?region=eu",
     "syslog://custom.logs.com syslog://[custom"),
    ({**SYSLOG, "token": "t-0123"}, "syslog://:t-0123@custom.logs.com:1234",
     "syslog://:t-01234@custom.logs.com:1234 syslog://custom.logs.com:1234",
     f"syslog://:***@custom.logs.com:1234 syslog://:{HASH}@custom.logs.com:1234"),
    ({**SYSLOG, "token": "t/0:1 2"}, "syslog://:t%2F0%3A1%202@custom.logs.com:1234", "", ""),
    ({**SYSLOG, "token": HASH[::-1]}, f"syslog://:{HASH[::-1]}@custom.logs.com:1234", f"syslog://:{HASH}@custom.logs.com:1234", ""),
    ({"type": "papertrail", "host": "logs.papertrailapp.com", "port": 10303}, "tcp+tls://logs.papertrailapp.com:10303",
     "tcp+tls://logs2.papertrailapp.com:10303", ""),
    (OVH, "ovh://:t-0123@gra3.logs.ovh.com:6514", "ovh://:t-0124@gra3.logs.ovh.com:6514 ovh://:t-0123@tag1.logs.ovh.com:6514", ""),
    (DATADOG, "datadog://t-0123?region=eu-west-2 https://http-intake.logs.datadoghq.eu/v1/input/t-0123?region=eu-west-2",
     "datadog://t-0123?region=us", "datadog://t-0123"),
    (ELK, "https://user:p%40ss@logstash.osc-fr1.scalingo.io/x?pipeline=mine",
     "elk://user:p@ss@logstash.osc-fr1.scalingo.io:443/x/?pipeline=mine https://user:p%40ss@logstash.osc-fr1.scalingo.io/y "
     "https://user:other@logstash.osc-fr1.scalingo.io/x?pipeline=mine https://user:p%40ss@another.osc-fr1.scalingo.io/x?pipeline=mine",
     "https://logstash.osc-fr1.scalingo.io/x?pipeline=mine https://user:********@logstash.osc-fr1.scalingo.io/x?pipeline=mine "
     "https://user:REDACTED@logstash.osc-fr1.scalingo.io/x?pipeline=mine "
     f"https://user:{quote(ANOTHER_HASH)}@logstash.osc-fr1.scalingo.io/x?pipeline=mine"),
    ({"type": "opensearch", "url": OPENSEARCH}, OPENSEARCH, "", ""),
    ({"type": "appsignal", "token": "t-0123"}, "appsignal://t-0123 https://appsignal-endpoint.net/logs?api_key=t-0123",
     "https://appsignal-endpoint.net/logs?api_key=t-0124 tcp+tls://logs.papertrailapp.com:10303", "https://appsignal-endpoint.net"),
    ({"type": "betterstack", "host": "s1.betterstackdata.com", "token": "t-0123"}, "https://:t-0123@s1.betterstackdata.com", "", ""),
]  # fmt: skip
SAME = [
    (asked, listed, same)
    for asked, *groups in ADDRESSES
    for same, listings in zip((True, False, None), groups, strict=True)
    for listed in listings.split()
]


@pytest.mark.parametrize(("asked", "listed", "same"), SAME)
def test_which_addresses_are_the_same_drain(asked: dict[str, t.Any], listed: str, same: bool | None) -> None:
    assert Drain(**asked).is_shown_as(listed) is same


@pytest.mark.parametrize(
    ("listed", "shown"),
    [
        ("tcp+tls://logs.papertrailapp.com:10303", "tcp+tls://logs.papertrailapp.com:10303"),
        ("ovh://:secret@tag1.logs.ovh.com:6514", "ovh://********@tag1.logs.ovh.com:6514"),
        ("datadog://secret?region=eu-west-2", "datadog://********?region=eu-west-2"),
        ("https://me:secret@logs.io:443/secret/?k=secret#secret", "https://********@logs.io:443/********?********"),
        ("https://http-intake.logs.datadoghq.eu/api/v2/logs/?dd-api-key=secret", "https://http-intake.logs.datadoghq.eu/********?********"),
        ("logtail://secret.with.dots", "logtail://********"),
        ("splunk://host.io:1/secret", "splunk://********/********"),
        ("syslog://[secret", "********"),
        ("secret", "********"),
    ],
)  # fmt: skip
def test_what_of_an_address_is_shown(listed: str, shown: str) -> None:
    assert masked(listed) == shown


FORMS = (
    "ovh://:{}@h.io:1 datadog://{}?region=eu https://u:{}@h.io/p https://h.io/in/{}/x https://h.io?key={} x+y://{}/z {}"
)


@given(
    some.sampled_from([*FORMS.split(), "https://{}@h.io", "https://h.io/#{}"]),
    some.text(min_size=4, max_size=40).filter(lambda text: text not in "********region"),
)
def test_a_token_is_never_shown_and_always_found(form: str, token: str) -> None:
    url = form.format(quote(token, safe=""))
    assert quote(token, safe="") not in masked(url).replace("https", "").replace("datadog", "")
    assert token in credentials(url)
