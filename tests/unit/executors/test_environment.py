"""What the first program of a run is told of the run's environment."""

from schedsync.executors.base import Confinement, Launch
from schedsync.executors.environment import invocation

ENVIRON = {"LD_PRELOAD": "/home/ann/it.so", "SCHEDSYNC_RUN_ID": "r1", "TOKEN": "t0k3n ${TOKEN}", "BASH_FUNC_f%%": "()"}
BECOMING = Confinement(("/bin/setpriv", "--reuid=1", "--"), ("/bin/env", "/bin/nice"), (1, 1))


def test_the_run_s_own_user_has_its_environment_from_the_start() -> None:
    launch = Launch("r1", ("job",), ENVIRON, confinement=Confinement(("/bin/nice", "-n", "1", "--")))
    assert invocation(launch) == (("/bin/nice", "-n", "1", "--", "job"), ENVIRON)


def test_who_becomes_another_user_sees_no_name_of_it_and_whoever_looks_no_value() -> None:
    arguments, environ = invocation(Launch("r1", ("job", "-x"), ENVIRON, confinement=BECOMING))
    assert arguments == (
        *("/bin/setpriv", "--reuid=1", "--", "/bin/env", "-S"),
        "-i -- 'LD_PRELOAD'=${_0} 'SCHEDSYNC_RUN_ID'=${_1} 'TOKEN'=${_2} 'BASH_FUNC_f%%'=${_3}",
        *("job", "-x"),
    )
    assert environ == dict(zip(("_0", "_1", "_2", "_3"), ENVIRON.values(), strict=True)) | {"SCHEDSYNC_RUN_ID": "r1"}


def test_a_program_that_looks_like_a_variable_is_started_by_another_one() -> None:
    arguments, _ = invocation(Launch("r1", ("./a=b", "c"), {}, confinement=BECOMING))
    assert arguments[3:] == ("/bin/env", "-S", "-i --", "/bin/nice", "-n", "0", "--", "./a=b", "c")
