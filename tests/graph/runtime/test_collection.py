"""Garbage collection, paused while a large write is decided."""

import gc
from contextlib import ExitStack

import pytest

from graph.runtime.collection import collection_paused


def test_nothing_is_collected_until_the_last_of_overlapping_blocks_ends() -> None:
    # given
    first, second = ExitStack(), ExitStack()
    first.enter_context(collection_paused())
    second.enter_context(collection_paused())
    # when
    first.close()
    # then
    assert not gc.isenabled()
    # when
    second.close()
    # then
    assert gc.isenabled()


def test_an_error_in_a_block_ends_the_pause() -> None:
    # when
    with pytest.raises(ZeroDivisionError), collection_paused():
        _ = 1 / 0
    # then
    assert gc.isenabled()


def test_a_collection_that_is_disabled_stays_disabled() -> None:
    # given
    gc.disable()
    try:
        # when
        with collection_paused():
            pass
        # then
        assert not gc.isenabled()
    finally:
        gc.enable()
