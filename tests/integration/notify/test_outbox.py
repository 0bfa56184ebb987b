"""The outbox: what is sent when, tried again, given up, and by whom."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from schedsync.notify import outbox
from schedsync.notify.channel import Channel
from schedsync.notify.outbox import Outbox
from schedsync.runs.notices import Notice
from schedsync.specs.notify import Event
from schedsync.store.store import Store
from tests.integration.conftest import StandingClock
from tests.integration.runner.bench import eventually
from tests.listeners import free_port, silent_listener
from tests.receivers import Web, web_server


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as server:
        yield server


Opener = Callable[..., Outbox]


@pytest.fixture
def opened(store: Store, clock: StandingClock) -> Iterator[Opener]:
    made: list[Outbox] = []

    def start(url: str, *, leads: bool = True, title: str = "{job} {what}") -> Outbox:
        channels = {"hook": Channel("hook", url, title=title)}
        made.append(Outbox(store, channels, lambda: leads, clock=clock))
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.stop()


def notice(clock: StandingClock, name: str = "n1", **fields: object) -> Notice:
    return replace(Notice(name, "hook", Event.FAILED, name, clock.now), **fields)  # type: ignore[arg-type]


def state(store: Store, notice_id: str) -> str:
    return next(posted.state for posted in store.notices.newest(state=None, limit=99) if posted.notice.id == notice_id)


def test_what_waits_is_sent_when_somebody_says_so_and_each_once(
    store: Store, clock: StandingClock, web: Web, opened: Opener
) -> None:
    store.notices.post([notice(clock, f"n{number}") for number in range(5)])
    sender = opened(web.url)
    for _ in range(3):
        sender.wake()
    eventually(lambda: not store.notices.pending())
    assert [each.json["job"] for each in web.received] == [f"n{number}" for number in range(5)]


def test_who_does_not_lead_sends_nothing(store: Store, clock: StandingClock, web: Web, opened: Opener) -> None:
    store.notices.post([notice(clock)])
    opened(web.url, leads=False).wake()
    opened(web.url, title="from the leader").wake()
    eventually(lambda: not store.notices.pending())
    assert [each.json["title"] for each in web.received] == ["from the leader"]


def test_two_that_both_believe_to_lead_send_each_notice_once(
    store: Store, clock: StandingClock, web: Web, opened: Opener
) -> None:
    store.notices.post([notice(clock, f"n{number:02}") for number in range(20)])
    for _ in range(2):
        opened(web.url).wake()
    eventually(lambda: not store.notices.pending())
    assert sorted(each.json["job"] for each in web.received) == [f"n{number:02}" for number in range(20)]


def test_a_failed_try_is_made_again_later(
    store: Store, clock: StandingClock, web: Web, opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    web.status = 503
    store.notices.post([notice(clock)])
    sender = opened(web.url)
    sender.wake()
    (waits,) = eventually(lambda: [n for n in store.notices.pending() if n.tries == 1 and len(web.received) == 1])
    eventually(
        lambda: store.notices.newest(state=None, limit=1)[0].error == "the server answered 503 Service Unavailable"
    )
    web.status = 200
    clock.forward(minutes=1)
    sender.wake()
    eventually(lambda: state(store, waits.id) == "sent")
    said = [record.message for record in caplog.records if "channel" in record.message]
    assert said == ['channel "hook" takes no notices, they wait', 'channel "hook" takes notices again']


def test_a_notice_that_a_dead_instance_had_reserved_is_sent_when_its_time_is_over(
    store: Store, clock: StandingClock, web: Web, opened: Opener
) -> None:
    taken = notice(clock)
    store.notices.post([taken, notice(clock, "free")])
    assert store.notices.take(taken, until=clock.now + outbox.LEEWAY)
    sender = opened(web.url)
    sender.wake()
    eventually(lambda: state(store, "free") == "sent")
    assert len(web.received) == 1
    clock.forward(minutes=1)
    sender.wake()
    eventually(lambda: state(store, taken.id) == "sent")


def test_after_a_day_a_notice_is_given_up_and_that_is_said(
    store: Store, clock: StandingClock, opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    store.notices.post([notice(clock)])
    clock.forward(days=1)
    opened(f"http://127.0.0.1:{free_port()}").wake()
    eventually(lambda: state(store, "n1") == "failed")
    (posted,) = store.notices.newest(state="failed", limit=9)
    assert posted.error is not None
    assert "refused" in posted.error
    assert [record.message for record in caplog.records][-1] == "notice is given up"


def test_what_is_older_than_a_day_is_given_up_together_while_its_channel_is_dead_and_never_sent(
    store: Store, clock: StandingClock, web: Web, opened: Opener, caplog: pytest.LogCaptureFixture
) -> None:
    web.status = 503
    store.notices.post([notice(clock, f"n{number}") for number in range(20)])
    sender = opened(web.url)
    sender.wake()
    eventually(lambda: web.received)  # the channel rests; nineteen wait for it
    clock.forward(days=1, seconds=1)
    store.notices.post([notice(clock, "young")])
    sender.wake()
    eventually(lambda: store.notices.counts() == {"failed": 20, "pending": 1})
    assert [record.message for record in caplog.records].count("notices are given up") == 1
    web.status = 200
    clock.forward(minutes=1)
    sender.wake()
    eventually(lambda: store.notices.counts() == {"failed": 20})
    assert web.received[-1].json["job"] == "young"


def test_a_channel_that_there_is_not_is_given_up_with_what_to_write_and_said_once(
    store: Store,
    clock: StandingClock,
    web: Web,
    opened: Opener,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(outbox, "MOST", 3)
    store.notices.post([notice(clock, f"n{number}", channel="hok") for number in range(8)])
    opened(web.url).wake()
    eventually(lambda: store.notices.counts() == {"failed": 8} and caplog.records)
    said = 'the settings have no channel "hok" (known are hook); write [channels.hok]'
    assert {posted.error for posted in store.notices.newest(state="failed", limit=9)} == {said}
    assert [(r.message, r.__dict__["count"], r.__dict__["error"]) for r in caplog.records] == [
        ("notices are given up", 8, said)
    ]


def test_many_notices_of_a_channel_that_hangs_hide_none_of_the_others(
    store: Store, clock: StandingClock, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST", 3)
    store.notices.post([notice(clock, f"n{number}", channel="hangs") for number in range(10)])
    later = clock.forward(seconds=1)
    store.notices.post([notice(clock, f"m{number}", happened_at=later) for number in range(2)])
    with silent_listener() as port:
        channels = {"hangs": Channel("hangs", f"http://127.0.0.1:{port}"), "hook": Channel("hook", web.url)}
        sender = Outbox(store, channels, lambda: True, clock=clock)
        sender.start()
        sender.wake()
        eventually(lambda: len(web.received) == 2)
        sender.stop()


def test_more_than_are_looked_at_together_are_sent_without_a_further_wake(
    store: Store, clock: StandingClock, web: Web, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "MOST", 3)
    store.notices.post([notice(clock, f"n{number}") for number in range(10)])
    opened(web.url).wake()
    eventually(lambda: not store.notices.pending())
    assert len(web.received) == 10


def test_a_stop_breaks_a_try_off_and_leaves_the_notice_to_the_next_start(
    store: Store, clock: StandingClock, web: Web, opened: Opener
) -> None:
    web.drips.set()
    store.notices.post([notice(clock)])
    sender = opened(web.url)
    sender.wake()
    eventually(lambda: web.received)
    sender.stop()
    web.drips.clear()
    (waits,) = store.notices.pending()
    assert waits.next_try_at == clock.now
    opened(web.url).wake()
    eventually(lambda: state(store, "n1") == "sent")
