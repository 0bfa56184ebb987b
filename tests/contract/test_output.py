"""What a run printed comes back as text, whatever bytes it was."""

import pytest

from schedsync.runs.outcome import Output
from schedsync.store.leases import Lease
from schedsync.store.runs import KeptOutput, RunChanges
from schedsync.store.store import Store
from tests.contract.builders import claim, ended, run

BYTES = {
    "plain": (b"one\ntwo\n", "one\ntwo\n"),
    "emoji": ("fertig 🎉 ½".encode(), "fertig 🎉 ½"),
    "NUL": (b"a\0b", "a\ufffdb"),
    "invalid UTF-8": (b"caf\xe9\xff!", "caf\ufffd\ufffd!"),
    "a surrogate": (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
    "a cut character": ("ü".encode()[:1], "\ufffd"),
    "carriage returns": (b"1%\r2%\r\n", "1%\r2%\r\n"),
    "quotes and binds": (b"'; DROP TABLE x; -- :name %s %(a)s ? {}", "'; DROP TABLE x; -- :name %s %(a)s ? {}"),
    "trailing blanks": (b"  x  \n\n", "  x  \n\n"),
}


def printed(store: Store, lease: Lease, output: Output) -> KeptOutput | None:
    """Record a run with this output, and read it back."""
    running = run()
    claim(store, lease, running)
    store.runs.record(RunChanges(settled=[(ended(running), output)]), None)
    return store.runs.output(running.id)


@pytest.mark.parametrize(("printed_bytes", "text"), BYTES.values(), ids=BYTES)
def test_output_comes_back_as_text(store: Store, lease: Lease, printed_bytes: bytes, text: str) -> None:
    kept = printed(store, lease, Output(head=printed_bytes, total=len(printed_bytes)))
    assert kept == KeptOutput(text, "", total=len(printed_bytes), dropped=0)


def test_head_and_tail_are_kept_apart_with_how_much_is_missing(store: Store, lease: Lease) -> None:
    kept = printed(store, lease, Output(head=b"first", tail=b"last", total=5_000_000_000))
    assert kept == KeptOutput("first", "last", total=5_000_000_000, dropped=4_999_999_991)


def test_five_megabytes_are_kept(store: Store, lease: Lease) -> None:
    half = "0123456789äöü\n" * 150_000
    kept = printed(store, lease, Output(head=half.encode(), tail=half.encode(), total=2 * len(half.encode())))
    assert kept is not None
    assert (kept.head == half, kept.tail == half) == (True, True)


def test_a_run_that_printed_nothing_has_no_output(store: Store, lease: Lease) -> None:
    assert printed(store, lease, Output()) is None


def test_a_run_that_does_not_exist_has_no_output(store: Store) -> None:
    assert store.runs.output("nobody") is None


def test_output_of_which_nothing_is_kept_says_how_much_there_was(store: Store, lease: Lease) -> None:
    assert printed(store, lease, Output(total=10)) == KeptOutput("", "", total=10, dropped=10)
