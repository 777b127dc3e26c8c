"""Who has heard of an alarm is not told again, whichever process tells it the next time."""

from collections.abc import Iterator

import pytest

from pharmacy.channels.alarms import Alarm, AlarmChannel, Route, mark
from tests.fakes.mail_server import MailServer
from tests.fakes.receiver import Receiver

ALARM = Alarm("7a0c0b1e-6d7f-4f0e-9d57-1c6b8f0a2f11", "case", "default", "c", None, "E", "word", 1, 3, None)
FIELDS = {"alarm_id", "kind", "pharmacy_id", "conversation_id", "handover_id", "tier", "category", "level",
          "age_seconds", "link"}  # fmt: skip


@pytest.fixture
def ears() -> Iterator[tuple[Receiver, Receiver, MailServer]]:
    with Receiver("s", fields=FIELDS) as first, Receiver("s", fields=FIELDS) as wider, MailServer() as mail:
        yield first, wider, mail


def _channel(ears: tuple[Receiver, Receiver, MailServer]) -> AlarmChannel:
    first, wider, mail = ears
    return AlarmChannel(
        Route(first.url, ("duty@x.example",)), Route(wider.url), secret="s", smtp_url=mail.url, mail_from="k@x.example"
    )


async def test_another_process_tells_only_the_address_that_has_not_heard(
    ears: tuple[Receiver, Receiver, MailServer],
) -> None:
    first, wider, mail = ears
    wider.statuses += [503]
    begun, other = _channel(ears), _channel(ears)

    half = await begun.tell(ALARM, ())
    whole = await other.tell(ALARM, half.heard)

    await begun.close()
    await other.close()
    assert half.problems == ("the alarm's address answered 503",)
    assert half.heard == {mark(first.url), mark("duty@x.example")}
    assert (whole.problems, whole.heard) == ((), half.heard | {mark(wider.url)})
    assert (len(first.tried), len(wider.tried), len(mail.taken)) == (1, 2, 1)


def test_a_mark_does_not_show_the_address() -> None:
    assert mark("https://hooks.example/services/secret") == mark("https://hooks.example/services/secret")
    assert "secret" not in mark("https://hooks.example/services/secret")
