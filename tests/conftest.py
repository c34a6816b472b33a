"""What every unit test has: one thread, for two test files run side by side; little garbage."""

import gc

import pytest
import torch


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Models as small as the tests' only lose time when threads wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", autouse=True)
def little_to_look_through():
    """Whatever there is before a file's tests stays: collecting garbage need not look through it.

    Each training ends with a collection, which among the modules and tests of the whole suite takes
    longer than the training of a model as small as the tests'.
    """
    gc.collect()
    gc.freeze()


def pytest_unconfigure():
    """Let the interpreter take leave of everything, or a package in C++ complains of leaks."""
    gc.unfreeze()
