"""Python's searches for garbage, in a process of their own, since they are a matter of the whole process."""

import subprocess
import sys

SCRIPT = """
import gc
import weakref
from schedsync import garbage


class Cycle:
    def __init__(self):
        self.me = self


garbage.keep_short()
old = Cycle()
gc.collect()
print("set aside:", not any(each is old for each in gc.get_objects()))
young, gone = Cycle(), []
weakref.finalize(young, gone.append, "young")
weakref.finalize(old, gone.append, "old")
del young, old
gc.collect()
print("young ones are found:", "young" in gone)
garbage.WHOLLY = 0.0
gc.collect()  # after which nothing is set aside
gc.collect()
print("old ones later:", "old" in gone)
"""


def test_what_outlived_a_search_is_set_aside_and_looked_through_now_and_then() -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == ["set aside: True", "young ones are found: True", "old ones later: True"]
