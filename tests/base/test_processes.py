import signal
import subprocess
import sys

import pytest

CHILD = "from helpers.base.processes import end_with_parent; import time; end_with_parent(0.05);"
PARENT = (
    "import subprocess, sys, time;"
    "subprocess.Popen([sys.executable, '-c', sys.argv[1]]); time.sleep(60)"
)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_ends_when_its_parent_is_killed(ending):
    """Who waits for the end of a pipe waits for all that hold it."""
    child = CHILD + "print('up', flush=True); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, child], stdout=subprocess.PIPE)
    try:
        assert parent.stdout.readline() == b"up\n"
        assert parent.poll() is None
        parent.send_signal(ending)
        assert parent.communicate(timeout=20)[0] == b""
    finally:
        parent.kill()
        parent.stdout.close()


def test_without_that_it_goes_on():
    child = "import time; print('up', flush=True); time.sleep(2); print('on', flush=True)"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, child], stdout=subprocess.PIPE)
    assert parent.stdout.readline() == b"up\n"
    parent.kill()
    assert parent.communicate(timeout=20)[0] == b"on\n"


def test_a_process_whose_parent_lives_ends_by_itself():
    code = CHILD + "time.sleep(0.3); print('done')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
