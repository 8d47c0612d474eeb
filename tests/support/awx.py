# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX 24.6.1 does with surveys, answers and schedules, and a stand-in of its API that keeps what the modules of awx.awx send.

The rules are those of AWX's views, serializers and models; what each refuses is refused here by a sentence, so that a test can say which rule it was.
"""

from __future__ import annotations

import json
import re
import threading
import typing as t
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Data = dict[str, t.Any]
TOKEN = "CanaryOfTheController0123456789"
#: The types of questions, with the types of their defaults.
QUESTIONS: t.Mapping[str, type] = {
    "text": str, "textarea": str, "password": str, "multiplechoice": str, "multiselect": str, "integer": int, "float": float,
}  # fmt: skip
KINDS = (
    "credential_types", "credentials", "execution_environments", "inventories", "inventory_sources", "job_templates", "organizations", "projects",
    "schedules",
)  # fmt: skip


def of_survey(survey: Data) -> list[str]:
    """What is wrong with a survey, for the API and for the form that shows it."""
    found = [
        f"{name} is no {kind.__name__}"
        for name, kind in (("name", str), ("description", str), ("spec", list))
        if type(survey.get(name)) is not kind
    ]
    asked: set[str] = set()
    for question in survey.get("spec") or ["nothing is asked"]:
        if not isinstance(question, dict):
            found.append(str(question))
            continue
        name = question.get("variable")
        for field, kind in (("type", str), ("question_name", str), ("variable", str), ("required", bool)):
            if type(question.get(field)) is not kind:
                found.append(f"{name}: {field} is no {kind.__name__}")
        if name in asked:
            found.append(f"{name} is asked twice")
        asked.add(str(name))
        kind, default = QUESTIONS.get(question.get("type", "")), question.get("default")
        if kind is None:
            found.append(f"{name}: no question has the type {question.get('type')}")
        elif default is None:
            found.append(f"{name}: the form of a launch needs a default, if only an empty one")
        elif default != "" and type(default) is not kind:
            found.append(f"{name}: the default {default!r} is no {kind.__name__}")
        found += [f"{name}: {key} is no int" for key in ("min", "max") if type(question.get(key, 0)) is not int]
        if question.get("type") in ("multiplechoice", "multiselect"):
            choices = question.get("choices")
            if not isinstance(choices, list) or not choices or not all(isinstance(choice, str) for choice in choices):
                found.append(f"{name}: choices are no texts")
            elif any(line not in choices for line in str(default).splitlines()):
                found.append(f"{name}: the default is none of the choices")
            elif question["type"] == "multiplechoice" and len(str(default).splitlines()) > 1:
                found.append(f"{name}: there can be one default")
        if str(default).startswith("$encrypted$"):
            found.append(f"{name}: $encrypted$ is reserved")
    return found


def of_answer(question: Data, value: t.Any) -> list[str]:
    """What is wrong with an answer."""
    name, kind = question["variable"], question["type"]
    types: t.Mapping[str, tuple[type, ...]] = {"integer": (int,), "float": (float, int), "multiselect": (list,)}
    if type(value) not in types.get(kind, (str,)):
        return [f"{name}: {value!r} has the wrong type"]
    if kind in ("multiplechoice", "multiselect"):
        return [
            f"{name}: {one!r} is none of the choices"
            for one in (value if kind == "multiselect" else [value])
            if one not in question["choices"]
        ]
    size = len(value) if isinstance(value, str) else value
    return [f"{name}: {value!r} is out of range"] * (
        size < question.get("min", size) or size > question.get("max", size)
    )


def launched(variables: Data, survey: t.Sequence[Data], answers: Data, any_variable: bool = False) -> Data:
    """The extra variables of a job: those of the template, then the defaults of the survey, then the answers. Refuses what AWX refuses."""
    questions = {question["variable"]: question for question in survey}
    found = [f"{name}: not asked for" for name in answers if name not in questions and not any_variable]
    found += [
        line for name, value in answers.items() if name in questions for line in of_answer(questions[name], value)
    ]
    found += [
        f"{name}: needs an answer"
        for name, question in questions.items()
        if question["required"] and name not in answers
    ]
    assert found == [], found
    defaults = {name: question["default"] for name, question in questions.items()}
    return {
        **variables,
        **{name: value for name, value in defaults.items() if not of_answer(questions[name], value)},
        **answers,
    }


def of_rule(rule: str) -> list[str]:
    """What is wrong with the rule of a schedule."""
    found = (
        [] if re.match(r"DTSTART(;[^:]+)?:[0-9]+T[0-9]+Z? RRULE:", rule) else ["it begins with no DTSTART and RRULE"]
    )
    if re.search(r"DTSTART:[0-9]+T[0-9]+ ", rule):
        found.append("its DTSTART has no zone")
    if rule.count("DTSTART") > 1 or "EXDATE" in rule or "RDATE" in rule:
        found.append("it has more dates than one")
    for one in re.findall(r"RULE:(\S*)", rule):
        if "INTERVAL=" not in one or not re.match("FREQ=(MINUTELY|HOURLY|DAILY|WEEKLY|MONTHLY|YEARLY)", one):
            found.append("it has no interval, or no frequency")
        if re.search("BYDAY=[0-9]|BYYEARDAY|BYWEEKNO|COUNT=[0-9]{4}|COUNT.*UNTIL|UNTIL.*COUNT", one):
            found.append("it has what schedules cannot do")
    return found


class Refused(Exception):
    """An answer with status 400."""


class Controller:
    """A stand-in of AWX. `objects` is what was made, by kind; `writes` are the requests that changed something."""

    def __init__(self, files: t.Collection[str] = ()) -> None:
        self.files = files
        self.objects: dict[str, list[Data]] = {kind: [] for kind in KINDS}
        self.writes: list[str] = []
        self._lock = threading.Lock()
        self.make("organizations", {"name": "Default"})
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def respond(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, answer = 401, {}
                if self.headers.get("Authorization") == f"Bearer {TOKEN}":
                    with outer._lock:
                        try:
                            status, answer = outer.answer(self.command, self.path, json.loads(body) if body else {})
                        except Refused as error:
                            status, answer = 400, {"error": str(error)}
                content = b"" if status == 204 else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("X-API-Product-Name", "AWX")
                self.send_header("X-API-Product-Version", "24.6.1")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = respond

            def log_message(self, *arguments: t.Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.environment = {
            "CONTROLLER_HOST": "http://127.0.0.1:%d" % self._server.server_address[1],
            "CONTROLLER_OAUTH_TOKEN": TOKEN,
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def named(self, kind: str) -> dict[str, Data]:
        return {found["name"]: found for found in self.objects[kind]}

    def make(self, kind: str, data: Data) -> Data:
        number = sum(map(len, self.objects.values())) + 1
        url = f"/api/v2/{kind}/{number}/"
        related = {"survey_spec": f"{url}survey_spec/", "update": f"{url}update/"}
        made = {
            "id": number,
            "type": kind[:-1],
            "url": url,
            "related": related,
            "summary_fields": {},
            "scm_revision": "1",
            "survey": {},
            "associated": {},
        }
        self.objects[kind].append(made)
        self.change(kind, made, data)
        return made

    def change(self, kind: str, found: Data, data: Data) -> None:
        """As AWX checks it. A secret is shown no more."""
        template = next(
            (
                one
                for one in self.objects["job_templates"]
                if one["id"] == data.get("unified_job_template", found.get("unified_job_template"))
            ),
            {},
        )
        refused = of_rule(data.get("rrule", found.get("rrule"))) if kind == "schedules" else []
        if kind == "schedules":
            launched(
                {},
                template.get("survey", {}).get("spec", []),
                data.get("extra_data", {}),
                bool(template["ask_variables_on_launch"]),
            )
        if kind == "job_templates" and data["playbook"] not in self.files:
            refused.append("Playbook not found for project.")
        if refused:
            self.objects[kind].remove(found)
            raise Refused("; ".join(refused))
        if kind == "credentials":
            data = {
                **data,
                "inputs": {
                    name: "$encrypted$" if name == "api_token" else value for name, value in data["inputs"].items()
                },
            }
        found.update({name: "" if name == "kind" and value is None else value for name, value in data.items()})

    def answer(self, method: str, path: str, body: Data) -> tuple[int, Data]:
        place = urllib.parse.urlsplit(path)
        kind, *rest = place.path.removeprefix("/api/v2/").strip("/").split("/")
        if kind == "project_updates":
            return 200, {
                "id": 1,
                "status": "successful",
                "finished": "now",
                "failed": False,
                "elapsed": 0,
                "started": "now",
                "scm_revision": "1",
            }
        if not rest and method == "GET":
            return 200, self.listed(kind, dict(urllib.parse.parse_qsl(place.query, keep_blank_values=True)))
        if method != "GET" and rest[1:] != ["update"]:
            self.writes.append(f"{method} {place.path}")
        if not rest:
            return 201, self.make(kind, body)
        found = next(one for one in self.objects[kind] if one["id"] == int(rest[0]))
        if rest[1:] == ["update"]:
            return 202, {"url": "/api/v2/project_updates/1/"}
        if rest[1:] == ["survey_spec"]:
            if method == "POST":
                if problems := of_survey(body):
                    raise Refused("; ".join(problems))
                found["survey"] = body
            return 200, found["survey"]
        if rest[1:]:
            associated = found["associated"].setdefault(rest[1], [])
            if method == "POST":
                associated.append(body["id"])
                return 204, {}
            return 200, {"count": len(associated), "next": None, "results": [{"id": number} for number in associated]}
        if method == "PATCH":
            self.change(kind, found, body)
        return 200, found

    def listed(self, kind: str, wanted: Data) -> Data:
        kind = "job_templates" if kind == "unified_job_templates" else kind
        # The organization of a template is that of its project.
        if kind == "job_templates":
            wanted.pop("organization", None)
        found = [
            one for one in self.objects[kind] if all(str(one.get(name)) == value for name, value in wanted.items())
        ]
        return {"count": len(found), "next": None, "results": found}
