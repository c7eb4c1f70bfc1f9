from zeoncrm.ami.backoff import Backoff


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(1, 30, jitter=lambda: 0)
    assert [backoff.next() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


def test_chance_cuts_a_pause_by_up_to_a_half() -> None:
    backoff = Backoff(8, 8, jitter=iter([0.0, 0.5, 1.0]).__next__)
    assert [backoff.next() for _ in range(3)] == [8, 6, 4]


def test_after_a_good_link_pauses_begin_anew() -> None:
    backoff = Backoff(1, 30, jitter=lambda: 0)
    backoff.next()
    backoff.next()
    backoff.reset()
    assert backoff.next() == 1
