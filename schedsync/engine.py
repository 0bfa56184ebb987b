"""``python -m schedsync.engine``: the process in which the runs of a service are started, watched and ended.

The service starts it and is its only company: requests come on the standard input, events go to the standard output,
and where the former ends the service is gone, and nothing is started any more.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import IO, NoReturn

from schedsync import garbage, logs
from schedsync.clock import utc_now
from schedsync.executors.headroom import make_room
from schedsync.executors.process import ProcessEngine
from schedsync.executors.wire import (
    NOT_HEARD,
    Ask,
    Cancel,
    Closed,
    Event,
    Finished,
    Hurry,
    LaunchIt,
    Message,
    Printed,
    Ready,
    Sender,
    Setup,
    Started,
    Stop,
    TakeUp,
    received,
)
from schedsync.runs.outcome import Outcome
from schedsync.runs.run import RunState

log = logging.getLogger(__name__)

GATHER = 0.005
"""Seconds for which events are gathered: each time that the service hears of some, its other threads wait a moment."""


class _Teller:
    """A listener that passes on what it hears."""

    def __init__(self, send: Callable[[Event], None]) -> None:
        self._send = send

    def started(self, run_id: str, pid: int, at: datetime) -> None:
        self._send(Started(run_id, pid, at))

    def finished(self, run_id: str, outcome: Outcome) -> None:
        self._send(Finished(run_id, outcome))


class Server:
    """Does what the service asks for."""

    def __init__(self, setup: Setup, sink: IO[bytes]) -> None:
        self._service = setup.service
        self._sender = Sender(sink, "schedsync-engine-out", gather=GATHER)
        self._teller = _Teller(self._sender.put)
        # Tidy: this process was given nothing but its input and outputs, and what Python opens nobody inherits.
        self._engine = ProcessEngine(
            self._teller, spool_dir=setup.spool, limits=setup.limits, before_spawn=self._leave_alone, tidy=True
        )
        self._farewell = threading.Thread(target=self._leave_at_end, name="schedsync-farewell", daemon=True)

    def start(self) -> None:
        """Begin.

        All threads are started now: at the end the system may let nobody have a further one.
        """
        self._sender.start()
        self._engine.start()
        self._farewell.start()
        self._sender.put(Ready())

    def serve(self, request: Message) -> None:
        """Do what *request* says, or begin to. Never raises."""
        try:
            self._serve(request)
        except Exception:  # the boundary of one request: the others are still to be served
            log.exception("the engine could not do what it was asked for")

    def _serve(self, request: Message) -> None:
        match request:
            case LaunchIt(launch):
                self._enter(launch.run_id, partial(self._engine.launch, launch))
            case TakeUp(launch, pid, started_at):
                self._enter(launch.run_id, partial(self._engine.take_up, launch, pid, started_at))
            case Cancel(run_id, reason, state):
                self._engine.cancel(run_id, reason, state)
            case Ask(number, run_id):
                self._sender.put(Printed(number, self._engine.output(run_id)))
            case Hurry(longest_grace, reason):
                self._engine.hurry(longest_grace, reason)
            case Stop(grace, reason):  # and until the last run has ended there may be questions, and haste
                self._engine.begin_stop(grace, reason)

    def _enter(self, run_id: str, enter: Callable[[], None]) -> None:
        try:
            enter()
        except (RuntimeError, ValueError) as error:  # it has stopped
            self._teller.finished(run_id, Outcome(RunState.LOST, utc_now(), reason=f"not started; {error}"))

    def _leave_at_end(self) -> None:
        self._engine.join()
        self._sender.put(Closed())
        self._sender.close()
        self._sender.join()
        os._exit(0)

    def _leave_alone(self) -> None:
        """End here and now when the service is gone: whoever comes after it may have settled the run by now."""
        if os.getppid() != self._service:
            os._exit(1)


def main() -> NoReturn:
    """Serve until the service has stopped, or is gone; then end without a word to anybody."""
    # Handlers, unlike SIG_IGN, are not inherited by the programs that are started. To stop is the service's to say.
    for number in NOT_HEARD:
        signal.signal(number, _nothing)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, NOT_HEARD)  # before a thread or a program could inherit that they wait
    requests = received(os.fdopen(os.dup(0), "rb"))
    sink = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what is printed by mistake is no event
    server: Server | None = None
    for batch in requests:
        for message in batch:
            if isinstance(message, Setup):
                server = _begun(message, sink)
            elif server is not None:
                server.serve(message)
    os._exit(1)


def _begun(setup: Setup, sink: IO[bytes]) -> Server:
    logs.configure(setup.log_level, as_json=setup.log_as_json)
    sys.setswitchinterval(setup.switch)
    garbage.keep_short()
    make_room(setup.most_runs)
    server = Server(setup, sink)
    server.start()
    return server


def _nothing(_number: int, _frame: object) -> None:
    """Stand in for the default, which would end the process."""


if __name__ == "__main__":
    main()
