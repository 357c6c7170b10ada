"""The token goes to Waybill's API alone and is seen nowhere; keys, the audit and owners are shown."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest import CaptureFixture, LogCaptureFixture, MonkeyPatch

from tests.support.answers import REPORT_ID, TRACE_ID, dowork, event, jaeger, report
from tests.support.command import run_command
from tests.support.http_server import Request, Server, in_turn, serving
from waybill_client import (
    AccessDeniedError,
    ArtefactError,
    CredentialError,
    NewApiKey,
    ProblemError,
    Report,
    RetryPolicy,
    StatusEvent,
    WaybillClient,
)

REPORTS = "/api/v1/reports"
SHOW = f"GET {REPORTS}/{REPORT_ID}"
TRACE = f"GET /api/traces/{TRACE_ID}"
KEYS = "/api/v1/keys"
AUDIT = "GET /api/v1/audit"
TOKEN = "wb_abcdefghijkm_" + "S" * 43
KEY_ID = "abcdefghijkm"
ADVICE = "or name its file with --token-file or WAYBILL_TOKEN_FILE.\n"

KEY: dict[str, Any] = {
    "id": KEY_ID,
    "name": "the shop's backend",
    "tenant": "default",
    "owner": "shop",
    "roles": ["requester"],
    "created_by": "ada (key xyz)",
    "created_at": "2026-11-23T12:00:00Z",
    "expires_at": None,
    "last_used_at": None,
    "revoked_at": None,
}


def entry(number: int, **fields: Any) -> dict[str, Any]:
    """Of the audit, as the API answers it."""
    return {
        "id": number,
        "at": "2026-11-23T12:00:00Z",
        "actor": "ada",
        "actor_tenant": "default",
        "credential": "key xyz",
        "action": "cancel",
        "tenant": "default",
        "report_id": REPORT_ID,
        "subject": None,
        "trace_id": None,
        **fields,
    }


class Credentials:
    """Answers a route, and keeps the credential of each request."""

    def __init__(self, value: Any, status: int = 200) -> None:
        self.sent: list[str | None] = []
        self._value = value
        self._status = status

    def __call__(self, request: Request) -> None:
        self.sent.append(request.headers["Authorization"])
        request.json(self._value, self._status)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


Waybill = Callable[..., tuple[int, str, str]]


@pytest.fixture
def waybill(server: Server, capsys: CaptureFixture[str], monkeypatch: MonkeyPatch) -> Waybill:
    """Runs a command; answers its exit code and what it wrote to standard output and standard error."""
    monkeypatch.delenv("WAYBILL_TOKEN", raising=False)
    monkeypatch.delenv("WAYBILL_TOKEN_FILE", raising=False)
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments: str) -> tuple[int, str, str]:
        return run_command(capsys, "--api-url", server.url, "--jaeger-url", server.url, *arguments)

    return run


class TestWhereTheTokenGoes:
    def test_every_call_of_the_api_has_it(self, server: Server) -> None:
        shown, requested = Credentials(report("done")), Credentials(report("init"), 202)
        streams: list[str | None] = []

        def stream(request: Request) -> None:
            streams.append(request.headers["Authorization"])
            request.stream(event(1, "done"))

        server.routes |= {SHOW: shown, f"POST {REPORTS}": requested, f"{SHOW}/events": stream}
        with WaybillClient(server.url, token=TOKEN) as client:
            client.request("dowork")
            client.show(REPORT_ID)
            list(client.follow(REPORT_ID))

        assert {*shown.sent, *requested.sent, *streams} == {f"Bearer {TOKEN}"}
        assert shown.sent
        assert requested.sent
        assert streams

    def test_a_repeated_call_has_it_too(self, server: Server) -> None:
        sent = []

        def answer(status: int) -> Callable[[Request], None]:
            def route(request: Request) -> None:
                sent.append(request.headers["Authorization"])
                request.json(report() if status == 200 else {"title": "Away"}, status, Retry_After="0")

            return route

        server.routes[SHOW] = in_turn(answer(503), answer(200))
        with WaybillClient(server.url, RetryPolicy(wait_initial=0.01), token=TOKEN) as client:
            client.show(REPORT_ID)

        assert sent == [f"Bearer {TOKEN}"] * 2

    def test_jaeger_never_gets_it(self, server: Server, waybill: Waybill, monkeypatch: MonkeyPatch) -> None:
        monkeypatch.setenv("WAYBILL_TOKEN", TOKEN)
        api, traces, page = Credentials(report()), Credentials(jaeger(dowork())), Credentials({})
        server.routes |= {SHOW: api, TRACE: traces, "GET /": page}

        assert waybill("trace", REPORT_ID)[0] == 0
        assert api.sent == [f"Bearer {TOKEN}"]
        assert traces.sent
        assert page.sent
        assert {*traces.sent, *page.sent} == {None}

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_another_server_never_gets_it_by_a_redirect(self, server: Server, status: int) -> None:
        with serving() as other, WaybillClient(server.url, token=TOKEN) as client:
            elsewhere = f"{other.url}{REPORTS}/{REPORT_ID}"
            server.routes[SHOW] = lambda request: request.json({}, status, Location=elsewhere)

            with pytest.raises(ProblemError, match=f"answered {status}"):
                client.show(REPORT_ID)

            assert other.requests == []

    @pytest.mark.parametrize("href", ["http://{}/a", "@{}/a", ".{}/a", ""])
    def test_another_server_never_gets_it_by_an_artefacts_address(
        self, server: Server, tmp_path: Path, href: str
    ) -> None:
        artefact = {"filename": "a", "media_type": "text/html", "size": 1, "sha256": "0"}
        with serving() as other, WaybillClient(server.url, token=TOKEN) as client:
            address = href.format(other.url.removeprefix("http://"))
            done = Report.model_validate(report("done", artefact={"href": address, **artefact}))

            with pytest.raises(ArtefactError, match="The address of the artefact a is none of"):
                client.download(done, tmp_path)

            assert other.requests == []


class TestWhereTheTokenComesFrom:
    @pytest.fixture
    def shown(self, server: Server) -> Credentials:
        server.routes[SHOW] = shown = Credentials(report())
        server.routes["GET /"] = lambda request: request.json({})
        return shown

    def test_the_option_wins_then_the_variables(
        self, waybill: Waybill, shown: Credentials, monkeypatch: MonkeyPatch, tmp_path: Path
    ) -> None:
        chosen, named = tmp_path / "chosen", tmp_path / "named"
        chosen.write_text("of-the-option\n")
        named.write_text("of-the-file\r\n")

        waybill("show", REPORT_ID)
        monkeypatch.setenv("WAYBILL_TOKEN_FILE", str(named))
        waybill("show", REPORT_ID)
        monkeypatch.setenv("WAYBILL_TOKEN", "of-the-variable\n")
        waybill("show", REPORT_ID)
        waybill("--token-file", str(chosen), "show", REPORT_ID)

        assert shown.sent == [
            None,
            "Bearer of-the-file",
            "Bearer of-the-variable",
            "Bearer of-the-option",
        ]

    def test_an_empty_variable_is_none(
        self, waybill: Waybill, shown: Credentials, monkeypatch: MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WAYBILL_TOKEN", "")
        monkeypatch.setenv("WAYBILL_TOKEN_FILE", "")

        assert waybill("show", REPORT_ID)[0] == 0
        assert shown.sent == [None]

    def test_no_option_takes_the_token_itself(self, waybill: Waybill) -> None:
        output = " ".join(waybill("--help")[1].replace("│", " ").split())

        assert "no option has it, since others can see a command line" in output
        assert waybill("--token", TOKEN, "list")[0] == 2

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (None, "Cannot read the file of WAYBILL_TOKEN_FILE: No such file or directory."),
            (b"\n", "The file of WAYBILL_TOKEN_FILE holds no token: it is empty."),
            (b"x" * 100_000, "The file of WAYBILL_TOKEN_FILE holds no token: it is too large."),
            (b"\xff\xfe", "The token cannot be sent: a token is one word of visible ASCII characters."),
        ],
    )
    def test_a_file_without_a_token_is_a_sentence(
        self,
        server: Server,
        waybill: Waybill,
        monkeypatch: MonkeyPatch,
        tmp_path: Path,
        content: bytes | None,
        sentence: str,
    ) -> None:
        file = tmp_path / "token"
        if content is not None:
            file.write_bytes(content)
        monkeypatch.setenv("WAYBILL_TOKEN_FILE", str(file))

        assert waybill("list") == (2, "", f"waybill: {sentence}\n")
        assert server.requests == []

    def test_what_needs_no_token_does_not_read_it(
        self, server: Server, waybill: Waybill, monkeypatch: MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("WAYBILL_TOKEN_FILE", str(tmp_path / "absent"))
        server.routes |= {TRACE: Credentials(jaeger(dowork())), "GET /": Credentials({})}

        assert waybill("trace", TRACE_ID)[0] == 0


class TestWhereTheTokenIsSeen:
    @pytest.mark.parametrize(
        "token", ["", "two words", "a\nb", "sécret-ü", "\ud800", " secret", "sec\x7fret"]
    )
    def test_one_that_http_cannot_carry_is_a_sentence(self, server: Server, token: str) -> None:
        with pytest.raises(CredentialError) as caught:
            WaybillClient(server.url, token=token)

        assert str(caught.value) == (
            "The token cannot be sent: a token is one word of visible ASCII characters."
        )
        assert server.requests == []

    def test_a_password_and_a_token_are_one_too_many(self, server: Server) -> None:
        with pytest.raises(CredentialError, match="HTTP carries only one of them") as caught:
            WaybillClient(server.url.replace("://", "://me:hush@"), token=TOKEN)

        assert "hush" not in str(caught.value)
        assert TOKEN not in str(caught.value)

    def test_a_token_in_the_place_of_its_file_is_not_shown(
        self, waybill: Waybill, monkeypatch: MonkeyPatch
    ) -> None:
        code, output, errors = waybill("--token-file", TOKEN, "list")
        assert (code, output) == (2, "")
        assert errors == "waybill: Cannot read the file of --token-file: No such file or directory.\n"

        monkeypatch.setenv("WAYBILL_TOKEN_FILE", TOKEN)
        assert TOKEN not in waybill("list")[2]

    @pytest.mark.parametrize("status", [401, 403, 404, 500])
    def test_no_refusal_shows_it(
        self, server: Server, waybill: Waybill, monkeypatch: MonkeyPatch, status: int
    ) -> None:
        monkeypatch.setenv("WAYBILL_TOKEN", TOKEN)
        server.routes[SHOW] = lambda request: request.bytes(b"<html>", "text/html", status)

        code, output, errors = waybill("show", REPORT_ID)

        assert code == (3 if status == 500 else 2)
        assert errors
        assert TOKEN not in output + errors

    def test_no_log_or_repr_shows_it(self, server: Server, caplog: LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        server.routes[SHOW] = in_turn(
            lambda request: request.json({"title": "Away"}, 503, Retry_After="0"),
            lambda request: request.json(report()),
        )
        with WaybillClient(server.url, RetryPolicy(wait_initial=0.01), token=TOKEN) as client:
            client.show(REPORT_ID)
            parts = [client, client._server, vars(client._server)]
        made = NewApiKey.model_validate({**KEY, "token": TOKEN})

        assert caplog.text
        assert TOKEN not in caplog.text
        assert TOKEN not in repr(parts) + repr(made) + str(made)
        assert made.token == TOKEN


class TestRefusals:
    def problem(self, server: Server, status: int, title: str, detail: str) -> None:
        body = {"title": title, "status": status, "detail": detail}
        server.routes[SHOW] = lambda request: request.json(body, status, "application/problem+json")

    def test_no_token_is_a_sentence_with_the_remedy(self, server: Server, waybill: Waybill) -> None:
        self.problem(server, 401, "This needs a credential that is valid", "Send a credential.")

        assert waybill("show", REPORT_ID) == (
            2,
            "",
            f"waybill: Waybill's API at {server.url} needs a credential, and none was sent. Set "
            f"WAYBILL_TOKEN to an API key or another token that is valid, {ADVICE}",
        )

    def test_a_wrong_token_is_another(
        self, server: Server, waybill: Waybill, monkeypatch: MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WAYBILL_TOKEN", TOKEN)
        self.problem(server, 401, "This needs a credential that is valid", "There is no such API key.")

        assert waybill("show", REPORT_ID) == (
            2,
            "",
            "waybill: This needs a credential that is valid: There is no such API key. Set WAYBILL_TOKEN to "
            f"an API key or another token that is valid, {ADVICE}",
        )

    def test_a_token_without_the_right_is_a_third(
        self, server: Server, waybill: Waybill, monkeypatch: MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WAYBILL_TOKEN", TOKEN)
        self.problem(
            server, 403, "The credential does not give the right to this", "None of your roles does."
        )

        assert waybill("show", REPORT_ID) == (
            2,
            "",
            "waybill: The credential does not give the right to this: None of your roles does. Set "
            f"WAYBILL_TOKEN to one that has the right, {ADVICE}",
        )

    def test_jaegers_refusal_does_not_ask_for_the_token(self, server: Server, waybill: Waybill) -> None:
        server.routes[TRACE] = lambda request: request.bytes(b"", "text/plain", 401)

        assert waybill("trace", TRACE_ID) == (
            2,
            "",
            f"waybill: Jaeger at {server.url} needs a credential, and none was sent.\n",
        )

    def test_a_stream_ends_when_the_credential_does(self, server: Server) -> None:
        server.routes[f"{SHOW}/events"] = in_turn(
            lambda request: request.stream(event(1)),
            lambda request: request.json({"title": "This needs a credential that is valid"}, 401),
        )
        server.routes[SHOW] = lambda request: request.json(report())
        seen: list[StatusEvent] = []

        with WaybillClient(server.url, token=TOKEN) as client, pytest.raises(AccessDeniedError) as caught:
            seen.extend(client.follow(REPORT_ID))

        assert caught.value.status == 401
        assert [one.version for one in seen] == [1]
        assert server.requests.count(f"{SHOW}/events") == 2


class TestKeys:
    def test_list_is_a_table(self, server: Server, waybill: Waybill) -> None:
        keys = [
            KEY | {"last_used_at": "2026-11-23T12:00:00Z"},
            KEY
            | {"id": "b", "tenant": "acme", "roles": ["admin", "auditor"], "revoked_at": KEY["created_at"]},
            KEY | {"id": "c", "expires_at": "2026-01-01T00:00:00Z"},
            KEY | {"id": "d", "expires_at": "2999-01-01T00:00:00Z", "roles": ["one of the future"]},
        ]
        server.routes[f"GET {KEYS}"] = lambda request: request.json({"keys": keys})
        code, output, _ = waybill("keys", "list")
        header, *rows = output.splitlines()

        assert code == 0
        assert header.split() == ["id", "name", "owner", "roles", "last", "used", "state"]
        assert rows[0].split()[:6] == [KEY_ID, "the", "shop's", "backend", "shop", "requester"]
        assert rows[0].rstrip().endswith(" ago  valid")
        assert "shop of acme  admin, auditor" in rows[1]
        assert "  revoked " in rows[1]
        assert "  expired " in rows[2]
        assert "one of the future" in rows[3]
        assert "  valid until " in rows[3]

    def test_list_as_json(self, server: Server, waybill: Waybill) -> None:
        server.routes[f"GET {KEYS}"] = lambda request: request.json({"keys": [KEY]})

        assert json.loads(waybill("keys", "list", "--json")[1])["keys"][0]["id"] == KEY_ID

    def test_no_keys_is_a_sentence(self, server: Server, waybill: Waybill) -> None:
        server.routes[f"GET {KEYS}"] = lambda request: request.json({"keys": []})

        assert waybill("keys", "list") == (0, "There are no keys.\n", "")

    @pytest.fixture
    def bodies(self, server: Server) -> list[Any]:
        bodies = []

        def make(request: Request) -> None:
            bodies.append(request.body)
            request.json({**KEY, "token": TOKEN}, 201 if request.body else 200)

        server.routes |= {f"POST {KEYS}": make, f"POST {KEYS}/{KEY_ID}:rotate": make}
        return bodies

    def test_create_prints_the_token_alone(self, waybill: Waybill, bodies: list[Any]) -> None:
        made = waybill("keys", "create", "--name", "the shop", "--owner", "shop")

        assert made == (0, f"{TOKEN}\n", "")
        assert bodies == [
            {
                "name": "the shop",
                "owner": "shop",
                "tenant": "default",
                "roles": ["requester"],
                "expires_in_days": None,
            }
        ]

    def test_create_takes_tenant_roles_and_days(self, waybill: Waybill, bodies: list[Any]) -> None:
        who = ("--name", "n", "--owner", "o", "--tenant", "acme", "--role", "admin", "--role", "auditor")
        made = waybill("keys", "create", *who, "--expires-in-days", "1.5", "--json")

        assert json.loads(made[1])["token"] == TOKEN
        assert bodies == [
            {
                "name": "n",
                "owner": "o",
                "tenant": "acme",
                "roles": ["admin", "auditor"],
                "expires_in_days": 1.5,
            }
        ]

    @pytest.mark.parametrize(
        "command", [("create", "--name", "n", "--owner", "o"), ("rotate", KEY_ID)], ids=["create", "rotate"]
    )
    @pytest.mark.usefixtures("bodies")
    def test_on_a_terminal_it_says_that_this_is_the_only_time(
        self, waybill: Waybill, monkeypatch: MonkeyPatch, command: tuple[str, ...]
    ) -> None:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "xterm")

        assert waybill("keys", *command) == (
            0,
            f"{TOKEN}\n",
            f"This is the token of the key {KEY_ID}. It is shown this once: keep it now.\n",
        )

    def test_a_key_is_asked_for_once(self, server: Server) -> None:
        """A second one that nobody knows of would be as good as the first."""
        server.routes[f"POST {KEYS}"] = lambda request: request.json({"title": "Away"}, 503, Retry_After="0")

        with WaybillClient(server.url, token=TOKEN) as client, pytest.raises(ProblemError):
            client.create_key("n", "o")

        assert server.requests == [f"POST {KEYS}"]

    @pytest.mark.usefixtures("bodies")
    def test_rotate_prints_the_token_alone(self, waybill: Waybill) -> None:
        assert waybill("keys", "rotate", KEY_ID) == (0, f"{TOKEN}\n", "")

    def test_revoke(self, server: Server, waybill: Waybill) -> None:
        revoked = KEY | {"revoked_at": "2026-11-23T12:00:00Z"}
        server.routes[f"POST {KEYS}/{KEY_ID}:revoke"] = lambda request: request.json(revoked)

        assert waybill("keys", "revoke", KEY_ID) == (0, "revoked\n", "")
        assert json.loads(waybill("keys", "revoke", KEY_ID, "--json")[1])["revoked_at"] is not None

    def test_an_id_is_no_path(self, server: Server, waybill: Waybill) -> None:
        assert waybill("keys", "revoke", "../reports/x?y#z")[0] == 2
        assert server.requests == [f"POST {KEYS}/..%2Freports%2Fx%3Fy%23z:revoke"]

    @pytest.mark.parametrize("command", ["rotate", "revoke"])
    def test_a_token_in_the_place_of_the_id_goes_nowhere(
        self, server: Server, waybill: Waybill, command: str
    ) -> None:
        code, output, errors = waybill("keys", command, TOKEN)

        assert code == 2
        assert "that is a token" in errors
        assert TOKEN[-43:] not in output + errors
        assert server.requests == []


class TestAudit:
    def test_it_is_a_table(self, server: Server, waybill: Waybill) -> None:
        entries = [
            entry(9, actor_tenant="acme"),
            entry(8, report_id=None, subject=KEY_ID, action="something of the future"),
        ]
        server.routes[AUDIT] = lambda request: request.json({"entries": entries, "next_cursor": None})
        code, output, _ = waybill(
            "audit", "--action", "cancel", "--actor", "ada", "--report", REPORT_ID, "--limit", "2"
        )
        header, first, second = output.splitlines()

        assert code == 0
        assert header.split() == ["when", "actor", "known", "by", "action", "of"]
        assert first.split()[2:] == ["ada", "of", "acme", "key", "xyz", "cancel", REPORT_ID]
        assert "something of the future" in second
        assert second.rstrip().endswith(KEY_ID)
        assert server.requests == [f"{AUDIT}?action=cancel&actor=ada&report_id={REPORT_ID}&limit=2"]

    def test_fifty_are_shown_if_nothing_else_is_said(self, server: Server, waybill: Waybill) -> None:
        server.routes[AUDIT] = lambda request: request.json({"entries": [], "next_cursor": None})

        assert waybill("audit") == (0, "There are no such entries.\n", "")
        assert server.requests == [f"{AUDIT}?limit=50"]

    def test_json_is_a_line_for_each_entry_of_all_pages(self, server: Server, waybill: Waybill) -> None:
        server.routes[AUDIT] = in_turn(
            lambda request: request.json(
                {"entries": [entry(300 - n) for n in range(100)], "next_cursor": 201}
            ),
            lambda request: request.json({"entries": [entry(200), entry(199)], "next_cursor": None}),
        )
        code, output, _ = waybill("audit", "--json")

        assert code == 0
        assert [json.loads(line)["id"] for line in output.splitlines()] == list(range(300, 198, -1))
        assert server.requests == [f"{AUDIT}?limit=100", f"{AUDIT}?limit=100&cursor=201"]

    def test_a_limit_ends_the_pages(self, server: Server, waybill: Waybill) -> None:
        server.routes[AUDIT] = lambda request: request.json(
            {"entries": [entry(300 - n) for n in range(100)], "next_cursor": 201}
        )

        assert len(waybill("audit", "--json", "--limit", "130")[1].splitlines()) == 130
        assert server.requests == [f"{AUDIT}?limit=100", f"{AUDIT}?limit=30&cursor=201"]


class TestOwners:
    def listed(self, server: Server, waybill: Waybill, **fields: Any) -> tuple[str, str]:
        """What `show` and `list` print of one report."""
        server.routes |= {
            SHOW: lambda request: request.json(report(**fields)),
            f"GET {REPORTS}": lambda request: request.json({"reports": [report(**fields)]}),
            "GET /": lambda request: request.json({}),
        }
        return waybill("show", REPORT_ID)[1], waybill("list")[1]

    @pytest.mark.parametrize("fields", [{}, {"owner": "anonymous", "tenant": "default"}])
    def test_one_that_is_not_known_is_not_shown(
        self, server: Server, waybill: Waybill, fields: dict[str, str]
    ) -> None:
        """A server of before sends none at all."""
        for output in self.listed(server, waybill, **fields):
            assert REPORT_ID in output
            assert "owner" not in output
            assert "anonymous" not in output

    @pytest.mark.parametrize(("tenant", "words"), [("default", "ada"), ("acme", "ada of acme")])
    def test_one_that_is_known_is_shown(
        self, server: Server, waybill: Waybill, tenant: str, words: str
    ) -> None:
        shown, listed = self.listed(server, waybill, owner="ada", tenant=tenant)

        assert f"owner       {words}\n" in shown
        assert listed.splitlines()[0].split()[-1] == "owner"
        assert listed.splitlines()[1].rstrip().endswith(f"  {words}")
