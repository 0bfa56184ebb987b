"""Signals are heard whoever gets them from the system, and however many come at once."""

import os
import signal
import threading

import pytest

from schedsync.signals import heard


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_that_another_thread_gets_wakes_the_one_that_waits(number: signal.Signals) -> None:
    with heard() as signals:
        other = threading.Thread(target=lambda: signal.pthread_kill(threading.get_ident(), number))
        other.start()
        assert next(signals) is number
        other.join()


def test_signals_that_came_before_anybody_waited_are_heard_in_their_order() -> None:
    with heard() as signals:
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)
        assert [next(signals) for _ in range(3)] == [signal.SIGHUP, signal.SIGTERM, signal.SIGHUP]


def test_afterwards_signals_mean_what_they_meant_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with heard():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
