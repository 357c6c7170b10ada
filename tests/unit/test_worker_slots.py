"""A slot's process, and how it ends."""

from multiprocessing import active_children

from report_worker.slots import Slot


def test_a_slot_may_be_ended_more_than_once() -> None:
    before = set(active_children())
    slot = Slot(512, "json", "warning")
    slot.wait_until_ready()

    slot.kill()
    slot.stop()
    slot.kill()
    slot.stop()

    assert set(active_children()) == before
