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


@pytest.mark.parametrize(
    ("asked", "listed", "same"),
    [
        (SYSLOG, "syslog://custom.logs.com:1234", True),
        (SYSLOG, "tcp+tls://CUSTOM.logs.com:1234", True),
        (SYSLOG, "syslog://custom.logs.com:1235", False),
        (SYSLOG, "syslog://:t-0123@custom.logs.com:1234", False),
        (SYSLOG, "syslog://custom.logs.com", None),
        (SYSLOG, "datadog://t-0123?region=eu", False),
        (SYSLOG, "syslog://[custom", None),
        ({**SYSLOG, "token": "t-0123"}, "syslog://:t-0123@custom.logs.com:1234", True),
        ({**SYSLOG, "token": "t/0:1 2"}, "syslog://:t%2F0%3A1%202@custom.logs.com:1234", True),
        ({**SYSLOG, "token": "t-0123"}, "syslog://:t-01234@custom.logs.com:1234", False),
        ({**SYSLOG, "token": "t-0123"}, "syslog://custom.logs.com:1234", False),
        ({**SYSLOG, "token": "t-0123"}, "syslog://:***@custom.logs.com:1234", None),
        ({**SYSLOG, "token": "t-0123"}, f"syslog://:{HASH}@custom.logs.com:1234", None),
        ({**SYSLOG, "token": HASH[::-1]}, f"syslog://:{HASH}@custom.logs.com:1234", False),
        (ELK, f"https://user:{quote(ANOTHER_HASH)}@logstash.osc-fr1.scalingo.io/x?pipeline=mine", None),
        ({"type": "papertrail", "host": "logs.papertrailapp.com", "port": 10303}, "tcp+tls://logs.papertrailapp.com:10303", True),
        ({"type": "papertrail", "host": "logs2.papertrailapp.com", "port": 10303}, "tcp+tls://logs.papertrailapp.com:10303", False),
        (OVH, "ovh://:t-0123@gra3.logs.ovh.com:6514", True),
        (OVH, "ovh://:t-0124@gra3.logs.ovh.com:6514", False),
        (OVH, "ovh://:t-0123@tag1.logs.ovh.com:6514", False),
        (DATADOG, "datadog://t-0123?region=eu-west-2", True),
        (DATADOG, "datadog://t-0123?region=us", False),
        (DATADOG, "datadog://t-0123", None),
        (DATADOG, "https://http-intake.logs.datadoghq.eu/v1/input/t-0123?region=eu-west-2", True),
        (ELK, "https://user:p%40ss@logstash.osc-fr1.scalingo.io/x?pipeline=mine", True),
        (ELK, "elk://user:p@ss@logstash.osc-fr1.scalingo.io:443/x/?pipeline=mine", False),
        (ELK, "https://user:other@logstash.osc-fr1.scalingo.io/x?pipeline=mine", False),
        (ELK, "https://logstash.osc-fr1.scalingo.io/x?pipeline=mine", None),
        (ELK, "https://user:********@logstash.osc-fr1.scalingo.io/x?pipeline=mine", None),
        (ELK, "https://user:p%40ss@logstash.osc-fr1.scalingo.io/y", False),
        ({"type": "opensearch", "url": OPENSEARCH}, OPENSEARCH, True),
        (ELK, "https://user:REDACTED@logstash.osc-fr1.scalingo.io/x?pipeline=mine", None),
        (ELK, "https://user:p%40ss@another.osc-fr1.scalingo.io/x?pipeline=mine", False),
        ({"type": "appsignal", "token": "t-0123"}, "appsignal://t-0123", True),
        ({"type": "appsignal", "token": "t-0123"}, "https://appsignal-endpoint.net/logs?api_key=t-0123", True),
        ({"type": "appsignal", "token": "t-0123"}, "https://appsignal-endpoint.net/logs?api_key=t-0124", False),
        ({"type": "appsignal", "token": "t-0123"}, "https://appsignal-endpoint.net", None),
        ({"type": "appsignal", "token": "t-0123"}, "tcp+tls://logs.papertrailapp.com:10303", False),
        ({"type": "betterstack", "host": "s1.betterstackdata.com", "token": "t-0123"}, "https://:t-0123@s1.betterstackdata.com", True),
    ],
)  # fmt: skip
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
