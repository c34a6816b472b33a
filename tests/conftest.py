"""What every unit test has: one thread, for two test files run side by side."""

import pytest
import torch


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Models as small as the tests' only lose time when threads wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
