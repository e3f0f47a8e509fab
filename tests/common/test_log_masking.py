"""A secret never comes out of the log, wherever in a record it stands."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import time

import httpx
import pytest

from tradeproject.common.logging import config, mask, mask_text

CANARY = "canary-7731-0123456789abcdef"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnktNzczMSJ9.c2lnbmF0dXJl"


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture(params=["json", "console"])
def log(request, stream):
    """A logger with the product's own handler, writing to ``stream``."""
    configurator = logging.config.DictConfigurator(config("DEBUG", json_lines=request.param == "json"))
    settings = configurator.config
    formatter = configurator.configure_formatter(settings["formatters"]["masked"])
    settings["formatters"]["masked"] = formatter
    handler = configurator.configure_handler(settings["handlers"]["console"])
    handler.setStream(stream)
    logger = logging.getLogger(f"tests.masking.{request.param}")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.handlers = []


@pytest.fixture
def written(log, stream):
    return stream.getvalue


SPELLINGS = [
    f"Authorization: Bearer {CANARY}",
    f"authorization: basic {CANARY}",
    f"Cookie: sessionid={CANARY}; csrftoken={CANARY}",
    f"X-Api-Key: {CANARY}",
    f"api-key {CANARY}",
    f"GET https://host/callback?code={CANARY}&state=1",
    f"GET https://host/callback?state=1&access_token={CANARY}",
    f"POST /webhook/{CANARY} took 3 ms",
    f"cannot reach redis://:{CANARY}@127.0.0.1:6379/0",
    f"cannot reach postgresql://trade:{CANARY}@db.test:5432/trade",
    f"cannot reach https://{CANARY}@venue.test/v1",
    f"proxy http://user:{CANARY}@proxy.test refused",
    f'{{"name": "trader", "password": "{CANARY}"}}',
    f"{{'name': 'trader', 'password': '{CANARY}'}}",
    f"grant_type=refresh_token&refresh_token={CANARY}&client_secret={CANARY}",
    f"login with password={CANARY} failed",
    f"{{'accessToken': '{CANARY}', 'mdAccessToken': '{CANARY}'}}",
    f'{{"accessToken":"{CANARY}","p-ticket":"{CANARY}"}}',
    f"token is {JWT}",
]


@pytest.mark.parametrize("line", SPELLINGS)
def test_it_masks_the_message(log, written, line):
    log.info(line)
    assert_silent(written())


@pytest.mark.parametrize("line", SPELLINGS)
def test_it_masks_what_is_put_into_the_message(log, written, line):
    log.info("the venue said %s", line)
    assert_silent(written())


@pytest.mark.parametrize("line", SPELLINGS)
def test_it_masks_extra_text(log, written, line):
    log.info("refused", extra={"answer": line})
    assert_silent(written())


@pytest.mark.parametrize("line", SPELLINGS)
def test_it_masks_an_exception(log, written, line):
    try:
        raise ValueError(line)
    except ValueError:
        log.exception("login failed")
    assert_silent(written())


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "api_key",
        "apiKey",
        "access_token",
        "Authorization",
        "client_secret",
        "sec",
        "cookie",
        "credentials",
        "passphrase",
        "p-ticket",
        "mdAccessToken",
        "signature",
    ],
)
def test_it_masks_a_field_by_its_name(log, written, name):
    log.info("login", extra={"body": {"account": {name: CANARY}}, name: CANARY})
    assert_silent(written())


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {CANARY}"},
        {"X-Api-Key": CANARY, "Accept": "text/html"},
        [("Authorization", CANARY), ("Accept", "text/html")],
        [(b"authorization", CANARY.encode()), (b"accept", b"text/html")],
        httpx.Headers({"Authorization": f"Bearer {CANARY}", "Cookie": f"id={CANARY}", "X-Api-Key": CANARY}),
    ],
)
def test_it_masks_headers(log, written, headers):
    log.info("request", extra={"headers": headers})
    assert_silent(written())


def test_it_masks_bytes(log, written):
    log.info("frame", extra={"frame": f'{{"password":"{CANARY}"}}'.encode()})
    assert_silent(written())


def test_it_masks_what_only_its_text_shows(log, written):
    class Answer:
        def __repr__(self) -> str:
            return f"<Answer Authorization: Bearer {CANARY}>"

    log.info("answer", extra={"answer": Answer(), "answers": {Answer()}})
    assert_silent(written())


def test_it_masks_the_chain_of_an_exception(log, written):
    try:
        try:
            raise ValueError(f"password={CANARY}")
        except ValueError as error:
            raise RuntimeError("login failed") from error
    except RuntimeError:
        log.exception("request failed")
    text = written()
    assert "login failed" in text
    assert_silent(text)


def test_it_masks_the_stack_that_is_logged(log, written):
    log.info(f"password={CANARY}", stack_info=True)
    assert_silent(written())


def test_it_writes_one_line_for_a_message_with_line_breaks(log, written):
    log.info("name\nERROR forged entry\r\nmore")
    assert len(written().strip().splitlines()) == 1


def test_it_still_tells_what_happened(log, written):
    log.warning("order refused", extra={"order": "0190", "reason": "Not enough margin.", "token_age": None})
    text = written()
    assert "order refused" in text
    assert "Not enough margin." in text
    assert "0190" in text


@pytest.mark.parametrize(
    "line",
    [
        "session down: the token has expired",
        "https://venue.test/v1/order/item?id=3",
        "MNQ 21870.25 @ CME, mail to ann@example.com",
        "Sign in again: the password was not accepted",
        "listening on http://127.0.0.1:8000/",
        "monkey=banana tokenized=yes keyboard: qwerty",
    ],
)
def test_it_leaves_plain_sentences_alone(line):
    assert mask_text(line) == line


@pytest.mark.parametrize(
    "piece",
    ["token-", "eyJ", "a-", "authorization ", "http://", '"', "'token' ", "cookie=", "('token-", "a@", "://"],
)
def test_it_takes_time_in_proportion_to_the_text(piece):
    """A stranger chooses what is logged. Processor time, far above the linear way's and far below the quadratic one's."""
    started = time.process_time()
    mask_text(piece * (100_000 // len(piece)))
    assert time.process_time() - started < 5


def test_it_leaves_numbers_and_unknowns_alone():
    assert mask({"quantity": 3, "price": None, "ok": True, "password": ""}) == {
        "quantity": 3,
        "price": None,
        "ok": True,
        "password": "",
    }


def test_it_gives_every_logger_the_masking_formatter():
    settings = config("INFO", json_lines=True)
    handlers = {name for logger in settings["loggers"].values() for name in logger["handlers"]}
    assert {
        settings["handlers"][name]["formatter"] for name in handlers | set(settings["root"]["handlers"])
    } == {"masked"}


@pytest.mark.parametrize("log", ["json"], indirect=True)
def test_it_writes_json_that_can_be_read(log, written):
    log.info("order sent", extra={"order": "0190", "lots": 2})
    line = json.loads(written())
    assert (line["event"], line["level"], line["order"], line["lots"]) == ("order sent", "info", "0190", 2)


def test_it_does_not_repeat_what_it_could_not_write(log, written, capsys):
    record = log.makeRecord(log.name, logging.INFO, __file__, 1, "token %s of %s", (CANARY,), None)
    log.handlers[0].handle(record)
    assert_silent(written() + capsys.readouterr().err)


def assert_silent(text: str) -> None:
    assert text, "nothing was written"
    assert "canary" not in text
    assert JWT.split(".")[1] not in text
